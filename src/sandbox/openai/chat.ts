import { CREATED_S, type Json, piecesOfSize, type SandboxCall, type SandboxResponse } from '../call.ts';
import type { ChatForm } from '../protocol.ts';
import { parseChat } from './chat-request.ts';
import { BROKEN_STREAM, openAi } from './protocol.ts';

/** OpenAI's chat completions. */
export const openAiChat: ChatForm = {
  protocol: openAi,
  parse: parseChat,
  whole: (call, response, seed) => ({
    id: `chatcmpl-${seed}`,
    object: 'chat.completion',
    created: CREATED_S,
    model: call.model,
    choices: Array.from({ length: choicesOf(call) }, (_, index) => ({
      index,
      message: messageOf(response, seed),
      logprobs: logprobsOf(call, response.pieces),
      finish_reason: FINISH_REASONS[response.finish],
    })),
    usage: usageOf(call, response),
    service_tier: 'default',
    system_fingerprint: 'fp_sandbox',
  }),
  frames,
  errorFrame: () => `data: {"error":{"message":"${BROKEN_STREAM}","type":"server_error","param":null,"code":null}}\n\n`,
  wrongFrame: () => 'data: {"id":1,"object":null,"choices":7,"usage":{"prompt_tokens":"many"}}\n\n',
};

const FINISH_REASONS = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool_calls',
  refused: 'stop',
  blocked: 'content_filter',
} as const;

/** The number of requested choices, which are all equal. */
const choicesOf = ({ body }: SandboxCall): number => (typeof body.n === 'number' ? body.n : 1);

const messageOf = (response: SandboxResponse, seed: string): Json => {
  const text = response.pieces.join('');
  return {
    role: 'assistant',
    content: (response.tool_calls.length > 0 && text === '') || response.finish === 'refused' ? null : text,
    ...(response.tool_calls.length > 0 ? { tool_calls: callsOf(response, seed) } : {}),
    refusal: response.finish === 'refused' ? text : null,
    annotations: [],
  };
};

const callsOf = (response: SandboxResponse, seed: string): Json[] =>
  response.tool_calls.map(({ name, input }, index) => ({
    id: `call_${seed.slice(0, 20)}${index}`,
    type: 'function',
    function: { name, arguments: JSON.stringify(input) },
  }));

// Every token has the probability of one half.
const LOGPROB = -Math.LN2;

const logprobsOf = ({ body }: SandboxCall, pieces: readonly string[]): Json | null => {
  if (body.logprobs !== true) return null;
  const top = typeof body.top_logprobs === 'number' ? body.top_logprobs : 0;
  const content = pieces.map((token) => {
    const entry = { token, logprob: LOGPROB, bytes: [...Buffer.from(token)] };
    return { ...entry, top_logprobs: top > 0 ? [entry] : [] };
  });
  return { content, refusal: null };
};

const usageOf = (call: SandboxCall, response: SandboxResponse): Json => {
  const completion_tokens = (response.completion_tokens + response.thinking.length) * choicesOf(call);
  return {
    prompt_tokens: call.prompt_tokens,
    completion_tokens,
    total_tokens: call.prompt_tokens + completion_tokens,
    prompt_tokens_details: { cached_tokens: response.cached_tokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: response.thinking.length * choicesOf(call),
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
};

const ARGUMENTS_PIECE_CHARS = 8;

function frames(call: SandboxCall, response: SandboxResponse, seed: string): string[] {
  const head = `data: {"id":"chatcmpl-${seed}","object":"chat.completion.chunk","created":${CREATED_S},"model":${JSON.stringify(call.model)},"service_tier":"default","system_fingerprint":"fp_sandbox"`;
  const tail = call.include_usage ? ',"usage":null}\n\n' : '}\n\n';
  const out: string[] = [];
  for (let choice = 0; choice < choicesOf(call); choice += 1) {
    const frame = (delta: string, finish: string, logprobs = 'null'): string =>
      `${head},"choices":[{"index":${choice},"delta":${delta},"logprobs":${logprobs},"finish_reason":${finish}}]${tail}`;
    out.push(frame('{"role":"assistant","content":"","refusal":null}', 'null'));
    const field = response.finish === 'refused' ? 'refusal' : 'content';
    for (const piece of response.pieces) {
      const logprobs = JSON.stringify(logprobsOf(call, [piece]));
      out.push(frame(`{"${field}":${JSON.stringify(piece)}}`, 'null', logprobs));
    }
    for (const delta of toolDeltas(response, seed)) out.push(frame(delta, 'null'));
    out.push(frame('{}', JSON.stringify(FINISH_REASONS[response.finish])));
  }
  if (call.include_usage) out.push(`${head},"choices":[],"usage":${JSON.stringify(usageOf(call, response))}}\n\n`);
  out.push('data: [DONE]\n\n');
  return out;
}

const toolDeltas = (response: SandboxResponse, seed: string): string[] =>
  callsOf(response, seed).flatMap((tool_call, index) => {
    const { name, arguments: text } = tool_call.function as { name: string; arguments: string };
    const start = { index, ...tool_call, function: { name, arguments: '' } };
    const pieces = piecesOfSize(text, ARGUMENTS_PIECE_CHARS).map((piece) => ({
      index,
      function: { arguments: piece },
    }));
    return [start, ...pieces].map((call) => JSON.stringify({ tool_calls: [call] }));
  });
