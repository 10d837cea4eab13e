import { type Json, piecesOfSize, type SandboxCall, type SandboxReply } from '../call.ts';
import type { ChatForm } from '../protocol.ts';
import { parseMessages } from './messages-request.ts';
import { anthropic } from './protocol.ts';

/** Anthropic's messages. */
export const anthropicMessages: ChatForm = {
  protocol: anthropic,
  parse: parseMessages,
  whole: (call, reply, seed) => ({
    id: `msg_${seed}`,
    type: 'message',
    role: 'assistant',
    model: call.model,
    content: blocksOf(call, reply, seed).map(({ block }) => block),
    stop_reason: stopReasonOf(reply),
    stop_sequence: reply.stop_sequence,
    usage: usageOf(call, reply, outputTokensOf(reply)),
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

const stopReasonOf = ({ finish, stop_sequence }: SandboxReply): string =>
  finish === 'stop' && stop_sequence !== null ? 'stop_sequence' : STOP_REASONS[finish];

const outputTokensOf = (reply: SandboxReply): number => reply.completion_tokens + reply.thinking.length;

const usageOf = (call: SandboxCall, reply: SandboxReply, output_tokens: number): Json => ({
  input_tokens: call.prompt_tokens - reply.cached_tokens - reply.cache_write_tokens,
  cache_creation_input_tokens: reply.cache_write_tokens,
  cache_read_input_tokens: reply.cached_tokens,
  cache_creation: { ephemeral_5m_input_tokens: reply.cache_write_tokens, ephemeral_1h_input_tokens: 0 },
  output_tokens,
  service_tier: 'standard',
});

/** A content block: as it is in the end, as it is before anything is said, and what is said in between. */
interface Block {
  readonly block: Json;
  readonly start: Json;
  readonly deltas: readonly Json[];
}

const blocksOf = (call: SandboxCall, reply: SandboxReply, seed: string): Block[] => {
  const thoughts = reply.thinking.length === 0 ? [] : [thinkingBlock(call, reply, seed)];
  if (reply.finish === 'blocked') return thoughts;
  const text = reply.tool_calls.length === 0 || reply.pieces.length > 0 ? [textBlock(reply)] : [];
  return [
    ...thoughts,
    ...text,
    ...reply.tool_calls.map((made, index) => useBlock(made, `toolu_${seed.slice(0, 20)}${index}`)),
  ];
};

const thinkingBlock = ({ thinking }: SandboxCall, reply: SandboxReply, seed: string): Block => {
  // A model whose thoughts are left out still signs them, so that they can be given back.
  const shown = thinking === 'shown' ? reply.thinking : [];
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

const textBlock = (reply: SandboxReply): Block => ({
  block: { type: 'text', text: reply.pieces.join('') },
  start: { type: 'text', text: '' },
  deltas: reply.pieces.map((text) => ({ type: 'text_delta', text })),
});

const INPUT_PIECE_CHARS = 8;

const useBlock = ({ name, input }: SandboxReply['tool_calls'][number], id: string): Block => ({
  block: { type: 'tool_use', id, name, input },
  start: { type: 'tool_use', id, name, input: {} },
  deltas: ['', ...piecesOfSize(JSON.stringify(input), INPUT_PIECE_CHARS)].map((partial_json) => ({
    type: 'input_json_delta',
    partial_json,
  })),
});

const event = (type: string, fields: Json): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

function frames(call: SandboxCall, reply: SandboxReply, seed: string): string[] {
  const { model } = call;
  const message = { id: `msg_${seed}`, type: 'message', role: 'assistant', model, content: [] };
  const usage = usageOf(call, reply, 1);
  const out = [event('message_start', { message: { ...message, stop_reason: null, stop_sequence: null, usage } })];
  for (const [index, { start, deltas }] of blocksOf(call, reply, seed).entries()) {
    out.push(event('content_block_start', { index, content_block: start }));
    if (index === 0) out.push(event('ping', {}));
    for (const delta of deltas) out.push(event('content_block_delta', { index, delta }));
    out.push(event('content_block_stop', { index }));
  }
  const { cache_creation: _by_age, service_tier: _tier, ...counts } = usageOf(call, reply, outputTokensOf(reply));
  out.push(
    event('message_delta', {
      delta: { stop_reason: stopReasonOf(reply), stop_sequence: reply.stop_sequence },
      usage: counts,
    }),
    event('message_stop', {}),
  );
  return out;
}
