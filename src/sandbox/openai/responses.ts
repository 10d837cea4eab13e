import { CREATED_S, type Json, objectOf, type SandboxCall, type SandboxResponse } from '../call.ts';
import type { ChatForm } from '../protocol.ts';
import { BROKEN_STREAM, openAi } from './protocol.ts';
import { responseFrames } from './responses-events.ts';
import { parseResponses } from './responses-request.ts';

/** OpenAI's responses. */
export const openAiResponses: ChatForm = {
  protocol: openAi,
  parse: parseResponses,
  whole: (call, response, seed) => responseOf(call, seed, { response, output: outputOf(call, response, seed) }),
  frames: (call, response, seed) =>
    responseFrames({
      begun: responseOf(call, seed, null),
      ended: responseOf(call, seed, { response, output: outputOf(call, response, seed) }),
      pieces: response.pieces,
      thinking: response.thinking,
    }),
  errorFrame: (_call, sent) =>
    `event: error\ndata: {"type":"error","sequence_number":${sent},"code":"server_error","message":"${BROKEN_STREAM}","param":null,"error":{"type":"server_error","code":"server_error","message":"${BROKEN_STREAM}","param":null}}\n\n`,
  wrongFrame: () => 'event: response.created\ndata: {"type":"response.created","response":7}\n\n',
};

/** A response: with its output at its end, with its settings alone before. */
const responseOf = (
  call: SandboxCall,
  seed: string,
  end: { response: SandboxResponse; output: readonly Json[] } | null,
): Json => {
  const { body } = call;
  return {
    id: `resp_${seed}`,
    object: 'response',
    created_at: CREATED_S,
    ...(end === null
      ? { status: 'in_progress', error: null, incomplete_details: null }
      : { status: statusOf(end.response), error: null, incomplete_details: incompleteOf(end.response) }),
    background: false,
    instructions: body.instructions ?? null,
    max_output_tokens: call.max_tokens,
    max_tool_calls: null,
    model: call.model,
    output: end?.output ?? [],
    parallel_tool_calls: call.parallel_tool_calls,
    previous_response_id: null,
    reasoning: { effort: null, summary: null, ...objectOf(body.reasoning) },
    service_tier: 'default',
    store: body.store ?? true,
    temperature: body.temperature ?? 1,
    text: { format: { type: 'text' }, verbosity: 'medium', ...objectOf(body.text) },
    tool_choice: body.tool_choice ?? 'auto',
    tools: body.tools ?? [],
    top_logprobs: 0,
    top_p: body.top_p ?? 1,
    truncation: body.truncation ?? 'disabled',
    usage: end === null ? null : usageOf(call, end.response),
    user: body.user ?? null,
    metadata: body.metadata ?? {},
  };
};

const isCut = ({ finish }: SandboxResponse): boolean => finish === 'length' || finish === 'blocked';
const statusOf = (response: SandboxResponse): string => (isCut(response) ? 'incomplete' : 'completed');
const incompleteOf = (response: SandboxResponse): Json | null =>
  isCut(response) ? { reason: response.finish === 'length' ? 'max_output_tokens' : 'content_filter' } : null;

const outputOf = (call: SandboxCall, response: SandboxResponse, seed: string): Json[] => {
  const status = statusOf(response);
  const text = response.pieces.join('');
  const content =
    response.finish === 'refused'
      ? { type: 'refusal', refusal: text }
      : { type: 'output_text', annotations: [], logprobs: [], text };
  const calls = response.tool_calls.map(({ name, input }, index) => ({
    id: `fc_${seed.slice(0, 20)}${index}`,
    type: 'function_call',
    status: 'completed',
    arguments: JSON.stringify(input),
    call_id: `call_${seed.slice(0, 20)}${index}`,
    name,
  }));
  return [
    ...reasoningOf(call, response, seed),
    ...(calls.length > 0 && text === ''
      ? []
      : [{ id: `msg_${seed}`, type: 'message', status, role: 'assistant', content: [content] }]),
    ...calls,
  ];
};

const reasoningOf = ({ thinking, body }: SandboxCall, response: SandboxResponse, seed: string): Json[] => {
  if (response.thinking.length === 0) return [];
  const text = response.thinking.join('');
  const include: unknown = body.include;
  const sealed = Array.isArray(include) && include.includes('reasoning.encrypted_content');
  return [
    {
      id: `rs_${seed}`,
      type: 'reasoning',
      summary: thinking === 'shown' ? [{ type: 'summary_text', text }] : [],
      ...(sealed ? { encrypted_content: Buffer.from(seed).toString('base64') } : {}),
    },
  ];
};

const usageOf = (call: SandboxCall, response: SandboxResponse): Json => {
  const output_tokens = response.completion_tokens + response.thinking.length;
  return {
    input_tokens: call.prompt_tokens,
    input_tokens_details: { cached_tokens: response.cached_tokens },
    output_tokens,
    output_tokens_details: { reasoning_tokens: response.thinking.length },
    total_tokens: call.prompt_tokens + output_tokens,
  };
};
