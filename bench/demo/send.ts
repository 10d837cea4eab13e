import OpenAI, { APIError } from 'openai';

/** One call that was made: the id that the gateway gave it, and what its client saw of it. */
export interface SentCall {
  readonly request_id: string;
  /** `ok`, `cancelled`, or the code of the error. */
  readonly seen: string;
}

export interface ChatInput {
  readonly model: string;
  readonly prompt: string;
  readonly max_tokens?: number;
}

/** Makes calls as customers do: with OpenAI's SDK, and with fetch where it has no method. */
export interface Client {
  chat(input: ChatInput): Promise<SentCall>;
  stream(input: ChatInput): Promise<SentCall>;
  /** Streams, and leaves when the first piece has come. */
  cancel(input: ChatInput): Promise<SentCall>;
  /** POSTs what the SDK would not send. */
  post(path: string, body: string): Promise<SentCall>;
}

/** @param key null sends none */
export const createClient = (url: string, key: string | null): Client => {
  // The SDK would repeat failed calls by itself, and here each one is counted.
  const sdk = new OpenAI({ baseURL: `${url}/v1`, apiKey: key ?? 'none', maxRetries: 0 });
  const bodyOf = ({ model, prompt, max_tokens = 4_000 }: ChatInput) => ({
    model,
    max_completion_tokens: max_tokens,
    messages: [{ role: 'user' as const, content: prompt }],
  });
  const openStream = (input: ChatInput) =>
    sdk.chat.completions.create({ ...bodyOf(input), stream: true }).withResponse();
  return {
    chat: (input) =>
      seenOf(async () => {
        const { request_id } = await sdk.chat.completions.create(bodyOf(input)).withResponse();
        return { request_id, seen: 'ok' };
      }),
    stream: (input) =>
      seenOf(async () => {
        const { data, request_id } = await openStream(input);
        return { request_id, seen: await readStream(data) };
      }),
    cancel: (input) =>
      seenOf(async () => {
        const { data, request_id } = await openStream(input);
        // Leaving the loop aborts the request.
        for await (const _ of data) break;
        return { request_id, seen: 'cancelled' };
      }),
    post: (path, body) =>
      seenOf(async () => {
        const headers = { 'content-type': 'application/json', ...(key === null ? {} : bearer(key)) };
        const reply = await fetch(`${url}${path}`, { method: 'POST', headers, body });
        const { error } = (await reply.json()) as { error?: { code: string } };
        return { request_id: reply.headers.get('x-request-id'), seen: error?.code ?? 'ok' };
      }),
  };
};

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

/** @returns `ok`, or the code of the error that ended a stream after it had begun */
const readStream = async (chunks: AsyncIterable<unknown>): Promise<string> => {
  try {
    for await (const _ of chunks);
    return 'ok';
  } catch (error) {
    if (error instanceof APIError) return codeOf(error);
    throw error;
  }
};

const codeOf = ({ code, error }: APIError): string =>
  code ?? (error as { code?: string } | undefined)?.code ?? 'unknown';

/** @throws Error when the gateway gave the call no id: then it cannot be found again */
const seenOf = async (
  call: () => Promise<{ readonly request_id: string | null | undefined; readonly seen: string }>,
): Promise<SentCall> => {
  try {
    const { request_id, seen } = await call();
    if (request_id == null) throw new Error('a reply had no x-request-id');
    return { request_id, seen };
  } catch (error) {
    if (!(error instanceof APIError) || error.requestID == null) throw error;
    return { request_id: error.requestID, seen: codeOf(error) };
  }
};
