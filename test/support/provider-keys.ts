import assert from 'node:assert/strict';
import type { TestGateway } from './gateway.ts';
import { type ClientResponse, dataOf } from './http.ts';
import { type ScriptedUpstream, sendJson } from './upstream.ts';

/** A provider key in a response of the control plane. */
export interface ShownKey {
  readonly id: string;
  readonly customer: string;
  readonly provider: string;
  readonly key_hint: string | null;
  readonly status: string;
  readonly base_url: string | null;
  readonly allowed_models: readonly string[] | null;
  readonly custom_models: readonly object[];
  readonly daily_spending_limit: string | null;
  readonly monthly_spending_limit: string | null;
  readonly fallback: string;
  readonly last_validated: string;
}

export const OWN_KEY = 'sk-own-customer-key-9f3aTAIL';

/** Sends a customer's own key for OpenAI. */
export const postKey = (gateway: TestGateway, customer: string, body: object = {}): Promise<ClientResponse> =>
  gateway.admin('POST', `/customers/${customer}/provider-keys`, {
    provider: 'openai',
    api_key: OWN_KEY,
    ...body,
  });

/** The same, and asserts that the key was accepted. */
export const giveKey = async (gateway: TestGateway, customer: string, body: object = {}): Promise<ShownKey> => {
  const client_response = await postKey(gateway, customer, body);
  assert.equal(client_response.status, 201, client_response.text);
  return dataOf<ShownKey>(client_response);
};

const USAGE = { prompt_tokens: 20, completion_tokens: 400, total_tokens: 420 };

/** Responds as OpenAI does: 401 unless the key is `accepted`, else a list of models or a chat. */
export const actAsOpenAi = (upstream: ScriptedUpstream, accepted: readonly string[]): void => {
  upstream.script((response, { url, headers }) => {
    const sent = headers.authorization?.replace('Bearer ', '') ?? '';
    if (!accepted.includes(sent)) {
      const message = `Incorrect API key provided: ${sent}.`;
      return sendJson(response, JSON.stringify({ error: { message, code: 'invalid_api_key' } }), 401);
    }
    if (url.endsWith('/models')) return sendJson(response, '{"object":"list","data":[]}');
    const message = { role: 'assistant', content: 'hello', refusal: null };
    const choices = [{ index: 0, message, logprobs: null, finish_reason: 'stop' }];
    const head = { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm' };
    sendJson(response, JSON.stringify({ ...head, choices, usage: USAGE }));
  });
};

/** Keys of received calls, without the checks of keys. */
export const keysOfCalls = ({ received }: ScriptedUpstream): (string | undefined)[] =>
  received
    .filter(({ url }) => !url.endsWith('/models'))
    .map(({ headers }) => headers.authorization?.replace('Bearer ', ''));
