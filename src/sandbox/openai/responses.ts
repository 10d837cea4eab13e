import { CREATED_S, type Json, objectOf, type SandboxCall, type SandboxReply } from '../call.ts';
import type { ChatForm } from '../protocol.ts';
import { BROKEN_STREAM, openAi } from './protocol.ts';
import { responseFrames } from './responses-events.ts';
import { parseResponses } from './responses-request.ts';

/** OpenAI's responses. */
export const openAiResponses: ChatForm = {
  protocol: openAi,
  parse: parseResponses,
  whole: (call, reply, seed) => responseOf(call, seed, { reply, output: outputOf(call, reply, seed) }),
  frames: (call, reply, seed) =>
    responseFrames({
      begun: responseOf(call, seed, null),
      ended: responseOf(call, seed, { reply, output: outputOf(call, reply, seed) }),
      pieces: reply.pieces,
      thinking: reply.thinking,
    }),
  errorFrame: (_call, sent) =>
    `event: error\ndata: {"type":"error","sequence_number":${sent},"code":"server_error","message":"${BROKEN_STREAM}","param":null,"error":{"type":"server_error","code":"server_error","message":"${BROKEN_STREAM}","param":null}}\n\n`,
  wrongFrame: () => 'event: response.created\ndata: {"type":"response.created","response":7}\n\n',
};

/** A response: what it says once it has ended; before that, what was asked. */
const responseOf = (
  call: SandboxCall,
  seed: string,
  end: { reply: SandboxReply; output: readonly Json[] } | null,
): Json => {
  const { body } = call;
  return {
    id: `resp_${seed}`,
    object: 'response',
    created_at: CREATED_S,
    ...(end === null
      ? { status: 'in_progress', error: null, incomplete_details: null }
      : { status: statusOf(end.reply), error: null, incomplete_details: incompleteOf(end.reply) }),
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
    usage: end === null ? null : usageOf(call, end.reply),
    user: body.user ?? null,
    metadata: body.metadata ?? {},
  };
};

const isCut = ({ finish }: SandboxReply): boolean => finish === 'length' || finish === 'blocked';
const statusOf = (reply: SandboxReply): string => (isCut(reply) ? 'incomplete' : 'completed');
const incompleteOf = (reply: SandboxReply): Json | null =>
  isCut(reply) ? { reason: reply.finish === 'length' ? 'max_output_tokens' : 'content_filter' } : null;

const outputOf = (call: SandboxCall, reply: SandboxReply, seed: string): Json[] => {
  const status = statusOf(reply);
  const text = reply.pieces.join('');
  const content =
    reply.finish === 'refused'
      ? { type: 'refusal', refusal: text }
      : { type: 'output_text', annotations: [], logprobs: [], text };
  const calls = reply.tool_calls.map(({ name, input }, index) => ({
    id: `fc_${seed.slice(0, 20)}${index}`,
    type: 'function_call',
    status: 'completed',
    arguments: JSON.stringify(input),
    call_id: `call_${seed.slice(0, 20)}${index}`,
    name,
  }));
  return [
    ...reasoningOf(call, reply, seed),
    ...(calls.length > 0 && text === ''
      ? []
      : [{ id: `msg_${seed}`, type: 'message', status, role: 'assistant', content: [content] }]),
    ...calls,
  ];
};

const reasoningOf = ({ thinking, body }: SandboxCall, reply: SandboxReply, seed: string): Json[] => {
  if (reply.thinking.length === 0) return [];
  const text = reply.thinking.join('');
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

const usageOf = (call: SandboxCall, reply: SandboxReply): Json => {
  const output_tokens = reply.completion_tokens + reply.thinking.length;
  return {
    input_tokens: call.prompt_tokens,
    input_tokens_details: { cached_tokens: reply.cached_tokens },
    output_tokens,
    output_tokens_details: { reasoning_tokens: reply.thinking.length },
    total_tokens: call.prompt_tokens + output_tokens,
  };
};
