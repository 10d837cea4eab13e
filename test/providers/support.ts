import { fixedClock } from '../../src/core/clock.ts';
import type { Usage } from '../../src/pricing/usage.ts';
import { createAdapters } from '../../src/providers/adapters.ts';
import type { ChatChunk, ChatRequest } from '../../src/providers/chat-form.ts';
import type { Caller, Upstream } from '../../src/providers/contract.ts';
import { createUnsupportedFields } from '../../src/providers/unsupported-fields.ts';

export const CLOCK = fixedClock('2026-01-01T00:00:00Z');

export const adapters = createAdapters(CLOCK);

export type Protocol = keyof typeof adapters;

/** Refuses all unsupported fields. */
export const STRICT = createUnsupportedFields(false);

const LIMITS = {
  headers_timeout_ms: 20_000,
  idle_timeout_ms: 20_000,
  total_timeout_ms: 20_000,
  max_response_bytes: 1_000_000,
  max_stream_bytes: 100_000_000,
  max_event_bytes: 1_000_000,
};

/** An upstream at `url`, with the protocol's form of a base URL. */
export const upstreamAt = (url: string, protocol: Protocol, limits: Partial<Upstream['limits']> = {}): Upstream => ({
  base_url: protocol === 'openai' ? `${url}/v1` : url,
  api_key: 'sk-test-1234567890',
  limits: { ...LIMITS, ...limits },
});

/** Output of a call for a client of the pivot form, from a complete response or from a stream. */
export interface CallOutput {
  readonly text: string;
  readonly tools: readonly { readonly name: string; readonly input: unknown }[];
  readonly finish: string | null;
  readonly usage: Usage | null;
}

/** Makes a call through the adapter of `protocol`. */
export const runCall = async (
  caller: Caller,
  upstream: Upstream,
  protocol: Protocol,
  chat: ChatRequest,
  stream: boolean,
): Promise<CallOutput> => {
  const adapter = adapters[protocol];
  const target = { model: chat.model, stream, upstream };
  const response = await caller.call(upstream, adapter.chat.request(chat, target, STRICT));
  if (response.status !== 200) {
    const { status, headers } = response;
    throw adapter.error({ status, headers, body: await response.text() }, upstream);
  }
  if (!stream) {
    const { result, usage } = adapter.chat.response(await response.text());
    const choice = result.choices[0]!;
    const calls = choice.message.tool_calls ?? [];
    return {
      text: choice.message.content ?? '',
      tools: calls.map(({ function: { name, arguments: text } }) => ({ name, input: JSON.parse(text) })),
      finish: choice.finish_reason,
      usage,
    };
  }
  const translation = adapter.chat.stream();
  const chunks: ChatChunk[] = [];
  await response.each((pieces) => {
    for (const piece of pieces) if (piece.data !== null) chunks.push(...translation.push(piece));
    return null;
  });
  translation.end();
  return { ...assemble(chunks), usage: translation.usage };
};

/** Assembles chunks of the pivot form as OpenAI's SDK does. */
const assemble = (chunks: readonly ChatChunk[]): Omit<CallOutput, 'usage'> => {
  let text = '';
  let finish: string | null = null;
  const calls: { name: string; arguments: string }[] = [];
  for (const { choices } of chunks) {
    for (const { delta, finish_reason } of choices) {
      text += delta.content ?? '';
      finish = finish_reason ?? finish;
      for (const { index, function: called } of delta.tool_calls ?? []) {
        calls[index] ??= { name: '', arguments: '' };
        calls[index].name += called?.name ?? '';
        calls[index].arguments += called?.arguments ?? '';
      }
    }
  }
  return {
    text,
    finish,
    tools: calls.map((call) => ({ name: call.name, input: JSON.parse(call.arguments) })),
  };
};
