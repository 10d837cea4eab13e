import type { Usage } from '../../../../../pricing/usage.ts';
import type { JsonObject } from '../../../../../providers/chat-form.ts';
import { tokenUsageJson } from '../../../../../providers/openai/token-usage.ts';
import type { ResponsesRequest } from './responses-request.ts';

/** Facts of a response that are known at its start. */
export interface Head {
  /** Base of its ids. */
  readonly base: string;
  readonly created: number;
  readonly model: string;
}

/** End of a response. */
export interface End {
  readonly status: 'completed' | 'incomplete';
  readonly reason: 'max_output_tokens' | 'content_filter' | null;
}

/** A refusal with text is a complete response; one without text is an incomplete response. */
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

/** Response object: the effective request fields and the output. `end` is null while the response is streamed. */
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
  // The gateway stores no responses; OpenAI's default is true.
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
