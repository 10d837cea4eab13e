import { request } from 'node:http';

/** A response as its client saw it. */
export interface ResponseSeen {
  readonly status: number;
  readonly request_id: string;
  readonly body: string;
  /** True if every byte of the response arrived: the announced length, or the stream's own end. */
  readonly is_complete: boolean;
}

export interface CallInput {
  readonly url: string;
  readonly api_key: string;
  readonly text: string;
  readonly stream?: boolean;
  readonly model?: string;
  readonly max_tokens?: number;
}

/** Sends a chat completion on a connection of its own. Rejects when not even headers come back. */
export const sendCall = (input: CallInput): Promise<ResponseSeen> =>
  new Promise((resolve, reject) => {
    const { url, api_key, text, stream = false, model = 'gpt-4o-mini', max_tokens } = input;
    const sent = request(`${url}/v1/chat/completions`, {
      method: 'POST',
      agent: false,
      headers: { authorization: `Bearer ${api_key}`, 'content-type': 'application/json' },
    });
    sent.once('error', reject);
    sent.once('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        body += piece;
      });
      // `complete` reports a connection that breaks; the error event repeats it.
      response.on('error', () => {});
      response.once('close', () => {
        const has_end = !stream || response.statusCode !== 200 || body.endsWith('data: [DONE]\n\n');
        resolve({
          status: response.statusCode!,
          request_id: String(response.headers['x-request-id']),
          body,
          is_complete: response.complete && has_end,
        });
      });
    });
    sent.end(JSON.stringify({ model, stream, max_tokens, messages: [{ role: 'user', content: text }] }));
  });

/** Sends a request of the administrator. */
export const administer = async (
  { url, admin_key }: { readonly url: string; readonly admin_key: string },
  path: string,
  body?: object,
): Promise<Record<string, unknown>> => {
  const client_response = await fetch(`${url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${admin_key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await client_response.json()) as Record<string, unknown>;
  if (!client_response.ok) throw new Error(`${path}: ${client_response.status} ${JSON.stringify(answer)}`);
  return answer;
};
