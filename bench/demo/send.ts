import OpenAI, { APIError } from 'openai';

/** One call with the id from the gateway and the result for its client. */
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

/** Makes calls as customers do: with OpenAI's SDK, or with fetch where the SDK has no method. */
export interface Client {
  chat(input: ChatInput): Promise<SentCall>;
  stream(input: ChatInput): Promise<SentCall>;
  /** Starts a stream and aborts it after the first piece. */
  cancel(input: ChatInput): Promise<SentCall>;
  /** POSTs a body that the SDK would not send. */
  post(path: string, body: string): Promise<SentCall>;
}

/** @param key null sends none */
export const createClient = (url: string, key: string | null): Client => {
  // The SDK would retry failed calls, but each call is counted here.
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
        // The end of the loop aborts the request.
        for await (const _ of data) break;
        return { request_id, seen: 'cancelled' };
      }),
    post: (path, body) =>
      seenOf(async () => {
        const headers = { 'content-type': 'application/json', ...(key === null ? {} : bearer(key)) };
        const response = await fetch(`${url}${path}`, { method: 'POST', headers, body });
        const { error } = (await response.json()) as { error?: { code: string } };
        return { request_id: response.headers.get('x-request-id'), seen: error?.code ?? 'ok' };
      }),
  };
};

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

/** @returns `ok`, or the code of the error that ended the stream */
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

/** @throws Error if the response has no request id, without which the call cannot be found */
const seenOf = async (
  call: () => Promise<{ readonly request_id: string | null | undefined; readonly seen: string }>,
): Promise<SentCall> => {
  try {
    const { request_id, seen } = await call();
    if (request_id == null) throw new Error('a response had no x-request-id');
    return { request_id, seen };
  } catch (error) {
    if (!(error instanceof APIError) || error.requestID == null) throw error;
    return { request_id: error.requestID, seen: codeOf(error) };
  }
};
