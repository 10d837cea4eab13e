import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallFacts, RouteFacts } from '../../src/journal/record.ts';
import type { Sql } from '../../src/postgres/connect.ts';
import type { FirstKeys } from '../../src/server/first-start.ts';

/** A complete response. */
export interface ClientResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as it came. */
  readonly bytes: Buffer;
  /** The body as JSON; a test that reads it fails if the body is not JSON. */
  readonly json: unknown;
  readonly request_id: string;
}

interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** A call in the vault. */
export interface VaultCall extends CallFacts {
  readonly request_id: string;
  readonly customer: string;
  readonly api_key: string;
  readonly provider: string;
  readonly model: string;
  readonly routing_rule: string;
  readonly intent_sequence: number | null;
  readonly route: RouteFacts | null;
}

export interface NewCustomer {
  readonly slug: string;
  readonly [field: string]: unknown;
}

/** Requests of tests to a gateway over HTTP. */
export interface TestHttp {
  send(sent: Sent): Promise<ClientResponse>;
  /** A GET without a key. */
  get(path: string): Promise<ClientResponse>;
  /** A POST of JSON with an API key, by default the demo customer's. */
  post(path: string, body: unknown, api_key?: string): Promise<ClientResponse>;
  chat(body: object, api_key?: string): Promise<ClientResponse>;
  ai(body: object, api_key?: string): Promise<ClientResponse>;
  /** A request with the administrator's key. */
  admin(method: string, path: string, body?: unknown): Promise<ClientResponse>;
  /** Creates a customer and an API key for it. @returns the key and its id */
  newCustomer(customer: NewCustomer, key?: object): Promise<{ readonly key: string; readonly id: string }>;
  /** Makes a deployment, or changes the one that is there. */
  deploy(fields: {
    readonly provider?: string;
    readonly model?: string;
    readonly [field: string]: unknown;
  }): Promise<ClientResponse>;
  /** The row of a call, after loading the journal. @throws AssertionError unless there is exactly one */
  recorded(request_id: string): Promise<VaultCall>;
}

interface HttpInput {
  readonly url: string;
  readonly keys: FirstKeys;
  readonly sql: Sql;
  readonly drain: () => Promise<void>;
}

export const createHttp = ({ url, keys, sql, drain }: HttpInput): TestHttp => {
  const send = (sent: Sent): Promise<ClientResponse> => sendTo(url, sent);
  const post: TestHttp['post'] = (path, body, api_key = keys.api_key) =>
    send({ method: 'POST', path, headers: bearer(api_key), body: JSON.stringify(body) });
  const admin: TestHttp['admin'] = (method, path, body) =>
    send({
      method,
      path,
      headers: bearer(keys.admin_key),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    send,
    post,
    admin,
    get: (path) => send({ path }),
    chat: (body, api_key) => post('/v1/chat/completions', body, api_key),
    ai: (body, api_key) => post('/v1/ai/completions', body, api_key),
    newCustomer: async (customer, key = {}) => {
      const made = await admin('POST', '/customers', customer);
      assert.equal(made.status, 201, made.text);
      const given = await admin('POST', '/api-keys', { customer: customer.slug, name: 'test', ...key });
      assert.equal(given.status, 201, given.text);
      return given.json as { key: string; id: string };
    },
    deploy: async ({ provider, model, ...changes }) => {
      const made = await admin('POST', '/v1/deployments', { provider, model, ...changes });
      if (made.status !== 409) return made;
      const path = `/v1/deployments/${provider}/${encodeURIComponent(String(model))}`;
      const etag = String((await admin('GET', path)).headers.etag);
      const headers = { ...bearer(keys.admin_key), 'if-match': etag };
      return send({ method: 'PATCH', path, headers, body: JSON.stringify(changes) });
    },
    recorded: async (request_id) => {
      await drain();
      const { status, json, text } = await admin('GET', `/requests/${request_id}`);
      assert.equal(status, 200, text);
      const [{ rows }] = await sql<[{ rows: number }]>`
        select count(*) as rows
        from gateway.api_request_s s
        join gateway.api_request_h h using (api_request_hk)
        where h.api_request_bk = ${request_id}`;
      assert.equal(rows, 1, 'a call has exactly one row');
      return (json as { data: VaultCall }).data;
    },
  };
};

export const bearer = (api_key: string): Record<string, string> => ({
  authorization: `Bearer ${api_key}`,
  'content-type': 'application/json',
});

const sendTo = (url: string, { method = 'GET', path, headers = {}, body }: Sent): Promise<ClientResponse> =>
  new Promise((resolve, reject) => {
    const request = httpRequest(`${url}${path}`, { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const text = bytes.toString();
        resolve({
          bytes,
          status: response.statusCode!,
          headers: response.headers,
          text,
          get json() {
            return JSON.parse(text) as unknown;
          },
          request_id: String(response.headers['x-request-id']),
        });
      });
    });
    request.on('error', reject);
    request.end(body);
  });

/** The data of each event of a stream's text. */
export const framesOf = (text: string): string[] =>
  text
    .split('\n\n')
    .filter((frame) => frame !== '')
    .map((frame) => frame.replace(/^data: /, ''));

export interface ErrorBody {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details: string | null;
    readonly status: number;
    readonly request_id: string;
    readonly type: string;
    readonly param: string | null;
    readonly errors?: readonly { readonly path: string; readonly code: string; readonly message: string }[];
  };
}

/** The error of either plane. The control plane's more specific code is `reason`, its text `details`. */
export const errorOf = (client_response: ClientResponse): ErrorBody['error'] & { readonly reason: string | null } => {
  const { error } = client_response.json as ErrorBody;
  const { details } = error as { details: unknown };
  if (typeof details !== 'object' || details === null) return { ...error, reason: null };
  const { explanation, reason } = details as { explanation: string | null; reason: string | null };
  return { ...error, details: explanation, reason };
};

/** Content of the control plane's envelope: one resource or a list. */
export const dataOf = <T = unknown>(client_response: ClientResponse): T => {
  const body = client_response.json as { data: T; meta: object };
  assert.ok('data' in body && 'meta' in body, client_response.text);
  return body.data;
};

/** Link to the next page of a list; null at its end. */
export const nextOf = (client_response: ClientResponse): string | null =>
  (client_response.json as { links: { next: string | null } }).links.next;

// Bounds a hang only: a little less than mocha's timeout, so that the message names the missing event.
const HANG_MS = 120_000;

/** Waits until `holds`, trying again every few milliseconds. */
export const until = async (holds: () => boolean | Promise<boolean>, what: string): Promise<void> => {
  const end_ms = Date.now() + HANG_MS;
  while (!(await holds())) {
    assert.ok(Date.now() < end_ms, `it never happened that ${what}`);
    await sleep(5);
  }
};
