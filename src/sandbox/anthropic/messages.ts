import { type Json, piecesOfSize, type SandboxCall, type SandboxResponse } from '../call.ts';
import type { ChatForm } from '../protocol.ts';
import { parseMessages } from './messages-request.ts';
import { anthropic } from './protocol.ts';

/** Anthropic's messages. */
export const anthropicMessages: ChatForm = {
  protocol: anthropic,
  parse: parseMessages,
  whole: (call, response, seed) => ({
    id: `msg_${seed}`,
    type: 'message',
    role: 'assistant',
    model: call.model,
    content: blocksOf(call, response, seed).map(({ block }) => block),
    stop_reason: stopReasonOf(response),
    stop_sequence: response.stop_sequence,
    usage: usageOf(call, response, outputTokensOf(response)),
  }),
  frames,
  errorFrame: () => event('error', { error: { type: 'overloaded_error', message: 'Overloaded' } }),
  wrongFrame: () => event('message_start', { message: 7 }),
};

const STOP_REASONS = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  refused: 'refusal',
  blocked: 'refusal',
} as const;

const stopReasonOf = ({ finish, stop_sequence }: SandboxResponse): string =>
  finish === 'stop' && stop_sequence !== null ? 'stop_sequence' : STOP_REASONS[finish];

const outputTokensOf = (response: SandboxResponse): number => response.completion_tokens + response.thinking.length;

const usageOf = (call: SandboxCall, response: SandboxResponse, output_tokens: number): Json => ({
  input_tokens: call.prompt_tokens - response.cached_tokens - response.cache_write_tokens,
  cache_creation_input_tokens: response.cache_write_tokens,
  cache_read_input_tokens: response.cached_tokens,
  cache_creation: { ephemeral_5m_input_tokens: response.cache_write_tokens, ephemeral_1h_input_tokens: 0 },
  output_tokens,
  service_tier: 'standard',
});

/** A content block: complete, at its start, and the deltas between. */
interface Block {
  readonly block: Json;
  readonly start: Json;
  readonly deltas: readonly Json[];
}

const blocksOf = (call: SandboxCall, response: SandboxResponse, seed: string): Block[] => {
  const thoughts = response.thinking.length === 0 ? [] : [thinkingBlock(call, response, seed)];
  if (response.finish === 'blocked') return thoughts;
  const text = response.tool_calls.length === 0 || response.pieces.length > 0 ? [textBlock(response)] : [];
  return [
    ...thoughts,
    ...text,
    ...response.tool_calls.map((made, index) => useBlock(made, `toolu_${seed.slice(0, 20)}${index}`)),
  ];
};

const thinkingBlock = ({ thinking }: SandboxCall, response: SandboxResponse, seed: string): Block => {
  // A model signs its thoughts even if they are hidden, so that the client can send them back.
  const shown = thinking === 'shown' ? response.thinking : [];
  const signature = Buffer.from(`thought ${seed}`).toString('base64');
  return {
    block: { type: 'thinking', thinking: shown.join(''), signature },
    start: { type: 'thinking', thinking: '', signature: '' },
    deltas: [
      ...shown.map((thought) => ({ type: 'thinking_delta', thinking: thought })),
      { type: 'signature_delta', signature },
    ],
  };
};

const textBlock = (response: SandboxResponse): Block => ({
  block: { type: 'text', text: response.pieces.join('') },
  start: { type: 'text', text: '' },
  deltas: response.pieces.map((text) => ({ type: 'text_delta', text })),
});

const INPUT_PIECE_CHARS = 8;

const useBlock = ({ name, input }: SandboxResponse['tool_calls'][number], id: string): Block => ({
  block: { type: 'tool_use', id, name, input },
  start: { type: 'tool_use', id, name, input: {} },
  deltas: ['', ...piecesOfSize(JSON.stringify(input), INPUT_PIECE_CHARS)].map((partial_json) => ({
    type: 'input_json_delta',
    partial_json,
  })),
});

const event = (type: string, fields: Json): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

function frames(call: SandboxCall, response: SandboxResponse, seed: string): string[] {
  const { model } = call;
  const message = { id: `msg_${seed}`, type: 'message', role: 'assistant', model, content: [] };
  const usage = usageOf(call, response, 1);
  const out = [event('message_start', { message: { ...message, stop_reason: null, stop_sequence: null, usage } })];
  for (const [index, { start, deltas }] of blocksOf(call, response, seed).entries()) {
    out.push(event('content_block_start', { index, content_block: start }));
    if (index === 0) out.push(event('ping', {}));
    for (const delta of deltas) out.push(event('content_block_delta', { index, delta }));
    out.push(event('content_block_stop', { index }));
  }
  const { cache_creation: _by_age, service_tier: _tier, ...counts } = usageOf(call, response, outputTokensOf(response));
  out.push(
    event('message_delta', {
      delta: { stop_reason: stopReasonOf(response), stop_sequence: response.stop_sequence },
      usage: counts,
    }),
    event('message_stop', {}),
  );
  return out;
}
