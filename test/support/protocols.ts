import assert from 'node:assert/strict';
import type { TestGateway } from './gateway.ts';
import { bearer } from './http.ts';

type Name = 'openai' | 'anthropic' | 'google';

/** Responses in a provider's protocol, for tests that write them themselves. */
export interface ProviderProtocol {
  readonly name: Name;
  readonly model: string;
  /** True if its streams have an end event. */
  readonly has_end: boolean;
  /** Frames of a streamed response of these words, with usage 11 and 7. `words` may be any text. */
  frames(words: readonly string[]): readonly string[];
  /** Number of frames before the first word's frame. */
  readonly head: number;
  /** A whole response. */
  whole(text: string): string;
}

/** Requests of a client protocol, and readers of its responses. */
export interface ClientProtocol {
  /** Recorded endpoint of streams. */
  readonly endpoint: string;
  path(model: string, stream: boolean): string;
  request(model: string, content: string, stream: boolean): object;
  /** All words of a possibly incomplete stream. */
  wordsOf(stream: string): readonly string[];
  /** True if the stream has its regular end. */
  isWhole(stream: string): boolean;
  /**
   * Code of the error at a stream's end, or null.
   * @throws AssertionError unless the error has the protocol's form
   */
  brokenBy(stream: string): string | null;
  /**
   * Code of an error body.
   * @throws AssertionError unless it has the protocol's form
   */
  errorCode(json: unknown): string;
}

// Longer than any error of the gateway, and short enough for a fast search.
const ERROR_MAX_CHARS = 10_000;

const event = (type: string, fields: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

const chunk = (choices: readonly object[], more: object = {}): string =>
  `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices, ...more })}\n\n`;

const OPENAI_USAGE = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };

export const PROVIDER_PROTOCOLS: Readonly<Record<Name, ProviderProtocol>> = {
  openai: {
    name: 'openai',
    model: 'gpt-4o-mini',
    has_end: true,
    head: 1,
    frames: (words) => [
      chunk([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]),
      ...words.map((content) => chunk([{ index: 0, delta: { content }, finish_reason: null }])),
      chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]),
      chunk([], { usage: OPENAI_USAGE }),
      'data: [DONE]\n\n',
    ],
    whole: (content) =>
      JSON.stringify({
        id: 'c1',
        object: 'chat.completion',
        created: 1,
        model: 'm',
        choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
        usage: OPENAI_USAGE,
      }),
  },
  anthropic: {
    name: 'anthropic',
    model: 'claude-haiku-4-5',
    has_end: true,
    head: 2,
    frames: (words) => [
      event('message_start', {
        message: { ...MESSAGE, content: [], usage: { input_tokens: 11, output_tokens: 1 } },
      }),
      event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
      ...words.map((text) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } })),
      event('content_block_stop', { index: 0 }),
      event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 7 } }),
      event('message_stop', {}),
    ],
    whole: (text) =>
      JSON.stringify({
        ...MESSAGE,
        content: [{ type: 'text', text }],
        stop_reason: 'end_turn',
        usage: { input_tokens: 11, output_tokens: 7 },
      }),
  },
  google: {
    name: 'google',
    model: 'gemini-2.5-flash',
    has_end: false,
    head: 0,
    frames: (words) => [
      ...words.map((text) => `data: ${JSON.stringify(candidate(text))}\r\n\r\n`),
      `data: ${JSON.stringify({ ...candidate('', 'STOP'), usageMetadata: GOOGLE_USAGE })}\r\n\r\n`,
    ],
    whole: (text) => JSON.stringify({ ...candidate(text, 'STOP'), usageMetadata: GOOGLE_USAGE }),
  },
};

const GOOGLE_USAGE = { promptTokenCount: 11, candidatesTokenCount: 7, totalTokenCount: 18 };

const candidate = (text: string, finishReason?: string) => ({
  candidates: [
    {
      content: { parts: [{ text }], role: 'model' },
      index: 0,
      ...(finishReason === undefined ? {} : { finishReason }),
    },
  ],
  modelVersion: 'm',
  responseId: 'r1',
});

const MESSAGE = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', stop_reason: null } as const;

const CLIENT_PROTOCOLS: Readonly<Record<Name, ClientProtocol>> = {
  openai: {
    endpoint: '/v1/chat/completions',
    path: () => '/v1/chat/completions',
    request: (model, content, stream) => ({ model, stream, messages: [{ role: 'user', content }] }),
    wordsOf: (stream) =>
      eventsOf(stream).flatMap(
        (json) =>
          (json.choices as { delta: { content?: string } }[] | undefined)?.map(({ delta }) => delta.content ?? '') ??
          [],
      ),
    isWhole: (stream) => stream.endsWith('data: [DONE]\n\n'),
    brokenBy: (stream) => {
      const [, data] = /(?:^|\n)data: (\{"error":[^\n]*)\n\n$/.exec(stream.slice(-ERROR_MAX_CHARS)) ?? [];
      if (data === undefined) return null;
      assert.ok(!stream.includes('[DONE]'), 'a broken stream does not look complete');
      return CLIENT_PROTOCOLS.openai.errorCode(JSON.parse(data));
    },
    errorCode: (json) => {
      const { error } = json as { error: Record<string, unknown> };
      assert.equal(typeof error.message, 'string');
      assert.equal(typeof error.type, 'string');
      return String(error.code);
    },
  },
  anthropic: {
    endpoint: '/v1/messages',
    path: () => '/v1/messages',
    request: (model, content, stream) => ({
      model,
      stream,
      max_tokens: 4_096,
      messages: [{ role: 'user', content }],
    }),
    wordsOf: (stream) => eventsOf(stream).flatMap((json) => (json.delta as { text?: string } | undefined)?.text ?? []),
    isWhole: (stream) => /event: message_stop\ndata: [^\n]*\n\n$/.test(stream),
    brokenBy: (stream) => {
      const [, data] = /event: error\ndata: ([^\n]*)\n\n$/.exec(stream.slice(-ERROR_MAX_CHARS)) ?? [];
      if (data === undefined) return null;
      assert.ok(!stream.includes('message_stop'), 'a broken stream does not look complete');
      return CLIENT_PROTOCOLS.anthropic.errorCode(JSON.parse(data));
    },
    errorCode: (json) => {
      const { type, error, request_id } = json as { error: Record<string, unknown> } & Record<string, unknown>;
      assert.equal(type, 'error');
      assert.equal(typeof request_id, 'string');
      assert.equal(typeof error.message, 'string');
      return String(error.code);
    },
  },
  google: {
    endpoint: '/v1beta/models/{model}:streamGenerateContent',
    path: (model, stream) => `/v1beta/models/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    request: (_model, text) => ({ contents: [{ role: 'user', parts: [{ text }] }] }),
    wordsOf: (stream) =>
      eventsOf(stream).flatMap(
        ({ candidates }) =>
          (candidates as { content?: { parts?: { text?: string }[] } }[] | undefined)?.flatMap(
            ({ content }) => content?.parts?.map(({ text }) => text ?? '') ?? [],
          ) ?? [],
      ),
    isWhole: (stream) => /"finishReason":"STOP"[^\n]*\n\r?\n$/.test(stream.slice(-ERROR_MAX_CHARS)),
    brokenBy: (stream) => {
      const [, data] = /(?:^|\n)data: (\{"error":[^\n]*)\n\n$/.exec(stream.slice(-ERROR_MAX_CHARS)) ?? [];
      if (data === undefined) return null;
      assert.ok(!stream.includes('finishReason'), 'a broken stream does not look complete');
      return CLIENT_PROTOCOLS.google.errorCode(JSON.parse(data));
    },
    errorCode: (json) => {
      const { error } = json as { error: Record<string, unknown> };
      assert.equal(typeof error.code, 'number');
      assert.equal(typeof error.message, 'string');
      assert.match(String(error.status), /^[A-Z_]+$/);
      const [{ reason }] = error.details as [{ reason: string }];
      return reason.toLowerCase();
    },
  },
};

const pairsOf = (names: readonly Name[]) =>
  names.flatMap((client) =>
    names.map((provider) => ({
      name: client === provider ? `${client}, passed through` : `${provider} for a client of ${client}`,
      client: CLIENT_PROTOCOLS[client],
      provider: PROVIDER_PROTOCOLS[provider],
      is_passthrough: client === provider,
    })),
  );

/** All pairs of a client protocol and a provider protocol. */
export const PROTOCOL_PAIRS = pairsOf(['openai', 'anthropic', 'google']);

/** Pairs of the two protocols whose streams have an end event. */
export const PAIRS_WITH_END = pairsOf(['openai', 'anthropic']);

export type ProtocolPair = (typeof PROTOCOL_PAIRS)[number];

/** JSON of each event of a stream's text. */
const eventsOf = (stream: string): readonly Record<string, unknown>[] =>
  [...stream.matchAll(/(?<=^|\n)data: (\{[^\r\n]*\})(?=\r?\n)/g)].map(
    ([, data]) => JSON.parse(data!) as Record<string, unknown>,
  );

/** HTTP request of a client for `client.request(…)`. */
export const sentTo = (
  { keys }: TestGateway,
  { client, provider }: { readonly client: ClientProtocol; readonly provider: ProviderProtocol },
  content: string,
  stream: boolean,
) => ({
  method: 'POST',
  path: client.path(provider.model, stream),
  headers: bearer(keys.api_key),
  body: JSON.stringify(client.request(provider.model, content, stream)),
});
