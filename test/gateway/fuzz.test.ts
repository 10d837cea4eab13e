import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ERRORS } from '../../src/core/errors.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, type ClientResponse, errorOf } from '../support/http.ts';
import {
  chat,
  embeddings,
  images,
  messages,
  responses,
  SEED,
  sample,
  strange,
  unified,
  unifiedEmbeddings,
} from './bodies-fixture.ts';

/** Bodies of a schema; every fifth one is valid, except in at most one field. */
const around = (bodies: fc.Arbitrary<unknown>, valid: object): fc.Arbitrary<unknown> => {
  const field = fc.constantFrom(...Object.keys(valid), 'x_unknown');
  const changed = fc.tuple(field, strange).map(([name, value]) => ({ ...valid, [name]: value }));
  const near = fc.oneof(fc.constant(valid), changed);
  return fc.oneof({ weight: 4, arbitrary: bodies }, { weight: 1, arbitrary: near });
};

const HELLO = [{ role: 'user', content: 'Hello' }];

const RUNS = 150;
describe('any body that resembles the schema', () => {
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway({ limits: { headers_timeout_ms: 1_000, idle_timeout_ms: 1_000 } });
  });
  after(() => gateway.close());

  /** Sends all bodies, 16 at a time. Asserts that the vault holds each call once, without an internal error. */
  const assertServed = async (
    path: string,
    bodies: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): Promise<void> => {
    const client_responses: ClientResponse[] = [];
    const queue = [...bodies];
    const worker = async (): Promise<void> => {
      for (let body = queue.pop(); body !== undefined; body = queue.pop()) {
        const client_response = await gateway.send({
          method: 'POST',
          path,
          headers: { ...bearer(gateway.keys.api_key), ...more },
          body,
        });
        assert.notEqual(client_response.status, 500, body);
        if (client_response.status !== 200) assert.ok(errorOf(client_response).code in ERRORS, client_response.text);
        client_responses.push(client_response);
      }
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    await gateway.drain();
    const rows = await gateway.database.sql<{ id: string; http_status: number; error_code: string | null }[]>`
      select h.api_request_bk as id, s.http_status, s.error_code
      from gateway.api_request_s s
      join gateway.api_request_h h using (api_request_hk)
      where h.api_request_bk = any(${client_responses.map(({ request_id }) => request_id)})`;
    const status_by_id = new Map(rows.map(({ id, http_status }) => [id, http_status]));
    assert.equal(rows.length, bodies.length, 'exactly one row a call');
    for (const { request_id, status } of client_responses) assert.equal(status_by_id.get(request_id), status);
    assert.ok(rows.every(({ error_code }) => error_code !== 'internal_error'));
    const valid = rows.filter(({ http_status }) => http_status === 200);
    assert.ok(valid.length > 0, `some of them are valid, by the seed ${SEED}`);
    const [{ errors }] = await gateway.database.sql<[{ errors: number }]>`
      select count(*) as errors from ops.load_error`;
    assert.equal(errors, 0, 'the vault accepts every record');
  };

  const lenient = { 'x-onevault-unsupported-fields': 'allow' };
  const cases: readonly (readonly [
    name: string,
    path: string,
    bodies: fc.Arbitrary<unknown>,
    valid: object,
    headers?: Readonly<Record<string, string>>,
  ])[] = [
    ['chat completions', '/v1/chat/completions', chat, { model: 'claude-haiku-4-5', messages: HELLO }],
    ['the unified form', '/v1/ai/completions', unified, { prompt: 'Hello', max_tokens: 9 }],
    [
      "Anthropic's messages",
      '/v1/messages',
      messages,
      { model: 'gpt-4o-mini', max_tokens: 9, messages: HELLO },
      lenient,
    ],
    [
      "Anthropic's count of tokens",
      '/v1/messages/count_tokens',
      messages,
      { model: 'claude-haiku-4-5', messages: HELLO },
    ],
    ["OpenAI's responses", '/v1/responses', responses, { model: 'gemini-2.5-flash', input: HELLO }, lenient],
    ["OpenAI's embeddings", '/v1/embeddings', embeddings, { model: 'text-embedding-3-small', input: 'a' }],
    ['the unified embeddings', '/v1/ai/embeddings', unifiedEmbeddings, { input: ['a', 'b'] }],
    ["OpenAI's images", '/v1/images/generations', images, { model: 'gpt-image-1', prompt: 'A vault' }],
    ['the unified images', '/v1/ai/images/generations', images, { prompt: 'A vault' }],
  ];
  for (const [name, path, bodies, valid, headers] of cases) {
    it(`of ${name} is answered, never with 500, and recorded once`, async () => {
      const texts = sample(around(bodies, valid), RUNS).map((body) => JSON.stringify(body));
      await assertServed(path, texts, headers);
    });
  }

  it('leaves exactly the spent amount in the budget', async () => {
    const month = new Date().toISOString().slice(0, 7);
    const [row] = await gateway.database.sql<{ spent: string }[]>`
      select sum(customer_cost)::text as spent from gateway.api_request_s`;
    assert.equal(gateway.budgets.total(`demo/${month}`), BigInt(row!.spent));
  });
});
