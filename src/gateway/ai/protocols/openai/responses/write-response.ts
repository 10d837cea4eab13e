import type { Usage } from '../../../../../pricing/usage.ts';
import type { JsonObject } from '../../../../../providers/chat-form.ts';
import { tokenUsageJson } from '../../../../../providers/openai/token-usage.ts';
import type { ResponsesRequest } from './responses-request.ts';

/** What is known of a reply when it begins. */
export interface Head {
  /** What its ids are made of. */
  readonly base: string;
  readonly created: number;
  readonly model: string;
}

/** How a reply ended. */
export interface End {
  readonly status: 'completed' | 'incomplete';
  readonly reason: 'max_output_tokens' | 'content_filter' | null;
}

/** A refusal in words is a whole reply; one without them is a reply that was cut. */
export const endOf = (finish_reason: string | null, has_refusal: boolean): End => {
  if (finish_reason === 'length') return { status: 'incomplete', reason: 'max_output_tokens' };
  if (finish_reason === 'content_filter' && !has_refusal) {
    return { status: 'incomplete', reason: 'content_filter' };
  }
  return { status: 'completed', reason: null };
};

interface State {
  readonly end: End | null;
  readonly output: readonly JsonObject[];
  readonly usage: Usage | null;
}

/** The response object: what was asked, as it holds here, and what came of it. `end` is null while it is coming. */
export const responseJson = (request: ResponsesRequest, head: Head, state: State): JsonObject => ({
  id: `resp_${head.base}`,
  object: 'response',
  created_at: head.created,
  status: state.end?.status ?? 'in_progress',
  background: false,
  error: null,
  incomplete_details: state.end?.reason == null ? null : { reason: state.end.reason },
  instructions: request.instructions ?? null,
  max_output_tokens: request.max_output_tokens ?? null,
  metadata: request.metadata ?? {},
  model: head.model,
  output: state.output,
  parallel_tool_calls: request.parallel_tool_calls ?? true,
  previous_response_id: null,
  reasoning: { effort: null, summary: null, ...request.reasoning },
  // Nothing of it is kept here, whatever the default elsewhere.
  store: false,
  temperature: request.temperature ?? 1,
  text: { format: { type: 'text' }, ...request.text },
  tool_choice: request.tool_choice ?? 'auto',
  tools: request.tools ?? [],
  top_p: request.top_p ?? 1,
  truncation: 'disabled',
  usage: state.usage === null ? null : tokenUsageJson(state.usage),
  user: request.user ?? null,
});
