import { type Json, piecesOfSize, type SandboxCall, type SandboxResponse } from '../call.ts';

export interface RealtimeEvent {
  readonly type: string;
  readonly fields: Json;
}

interface Made {
  readonly call: SandboxCall;
  readonly response: SandboxResponse;
  /** Creates an id of a kind. */
  name(kind: string): string;
  /** The settings for this response. */
  readonly given: Json;
}

interface Response {
  /** All events except the last one. */
  readonly frames: readonly RealtimeEvent[];
  /** The items for the conversation. */
  readonly output: readonly Json[];
  /** The response in the event `response.done`. */
  readonly done: Json;
}

const ARGUMENTS_PIECE_CHARS = 8;

/** The events of a response, in OpenAI's order. */
export const realtimeEvents = ({ call, response, name, given }: Made): Response => {
  const response_id = name('resp');
  const base = {
    object: 'realtime.response',
    id: response_id,
    conversation_id: given.conversation === 'none' ? null : 'conv_sandbox',
    output_modalities: ['text'],
    max_output_tokens: given.max_output_tokens,
    metadata: given.metadata ?? null,
  };
  const frames: RealtimeEvent[] = [];
  const emit = (type: string, fields: Json): void => {
    frames.push({ type, fields });
  };
  emit('response.created', {
    response: { ...base, status: 'in_progress', status_details: null, output: [], usage: null },
  });
  emit('rate_limits.updated', { rate_limits: LIMITS });
  const output = outputOf(response, name);
  for (const [output_index, { item, empty, content }] of output.entries()) {
    const at = { response_id, item_id: item.id, output_index };
    emit('response.output_item.added', { response_id, output_index, item: empty });
    emit('conversation.item.added', { previous_item_id: null, item: empty });
    for (const { type, fields } of content) emit(type, { ...at, ...fields });
    emit('response.output_item.done', { response_id, output_index, item });
    emit('conversation.item.done', { previous_item_id: null, item });
  }
  const items = output.map(({ item }) => item);
  const cut = response.finish === 'length' || response.finish === 'blocked';
  const reason = response.finish === 'length' ? 'max_output_tokens' : 'content_filter';
  const done = {
    ...base,
    status: cut ? 'incomplete' : 'completed',
    status_details: cut ? { type: 'incomplete', reason } : null,
    output: items,
    usage: usageOf(call, response),
  };
  return { frames, output: items, done };
};

const LIMITS = [
  { name: 'requests', limit: 10_000, remaining: 9_999, reset_seconds: 0.006 },
  { name: 'tokens', limit: 2_000_000, remaining: 1_999_000, reset_seconds: 0.03 },
];

interface Item {
  readonly item: Json;
  readonly empty: Json;
  readonly content: readonly RealtimeEvent[];
}

const outputOf = (response: SandboxResponse, name: (kind: string) => string): Item[] => [
  ...(response.tool_calls.length > 0 && response.pieces.length === 0 ? [] : [message(response, name('item'))]),
  ...response.tool_calls.map((made) => functionCall(made, { id: name('item'), call_id: name('call') })),
];

const message = (response: SandboxResponse, id: string): Item => {
  const head = { id, object: 'realtime.item', type: 'message', role: 'assistant' };
  const text = response.pieces.join('');
  const place = { content_index: 0 };
  const status = response.finish === 'length' || response.finish === 'blocked' ? 'incomplete' : 'completed';
  return {
    item: { ...head, status, content: [{ type: 'output_text', text }] },
    empty: { ...head, status: 'in_progress', content: [] },
    content: [
      { type: 'response.content_part.added', fields: { ...place, part: { type: 'text', text: '' } } },
      ...response.pieces.map((delta) => ({ type: 'response.output_text.delta', fields: { ...place, delta } })),
      { type: 'response.output_text.done', fields: { ...place, text } },
      { type: 'response.content_part.done', fields: { ...place, part: { type: 'text', text } } },
    ],
  };
};

const functionCall = (
  { name, input }: SandboxResponse['tool_calls'][number],
  { id, call_id }: { id: string; call_id: string },
): Item => {
  const text = JSON.stringify(input);
  const head = { id, object: 'realtime.item', type: 'function_call', name, call_id };
  return {
    item: { ...head, status: 'completed', arguments: text },
    empty: { ...head, status: 'in_progress', arguments: '' },
    content: [
      ...piecesOfSize(text, ARGUMENTS_PIECE_CHARS).map((delta) => ({
        type: 'response.function_call_arguments.delta',
        fields: { call_id, delta },
      })),
      { type: 'response.function_call_arguments.done', fields: { call_id, name, arguments: text } },
    ],
  };
};

const usageOf = (call: SandboxCall, response: SandboxResponse): Json => {
  const output_tokens = response.completion_tokens + response.thinking.length;
  return {
    total_tokens: call.prompt_tokens + output_tokens,
    input_tokens: call.prompt_tokens,
    output_tokens,
    input_token_details: {
      text_tokens: call.prompt_tokens,
      audio_tokens: 0,
      image_tokens: 0,
      cached_tokens: response.cached_tokens,
      cached_tokens_details: { text_tokens: response.cached_tokens, audio_tokens: 0, image_tokens: 0 },
    },
    output_token_details: { text_tokens: output_tokens, audio_tokens: 0 },
  };
};
