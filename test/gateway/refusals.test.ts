import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { fixedClock } from '../../src/core/clock.ts';
import { ERRORS, type ErrorCode } from '../../src/core/errors.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, type ClientResponse, errorOf } from '../support/http.ts';
import { restate } from '../support/restate.ts';

const ENDPOINTS = ['/v1/chat/completions', '/v1/ai/completions'] as const;
const HELLO = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] };
const BODY_LIMIT_BYTES = 4_096;

describe('a refused call', () => {
  const clock = fixedClock('2026-11-21T10:00:00Z');
  let gateway: TestGateway;

  before(async () => {
    // Each refusal of a test is the first of its kind.
    gateway = await startTestGateway({ clock, body_limit_bytes: BODY_LIMIT_BYTES, audit: { window_ms: 1 } });
  });
  after(() => gateway.close());

  /**
   * Asserts that the response is the error table's row in OpenAI's format, that the vault holds the call once with its
   * reason, and that nothing is reserved.
   */
  const assertRefused = async (client_response: ClientResponse, code: ErrorCode, param: string | null = null) => {
    const error = errorOf(client_response);
    assert.equal(error.code, code, client_response.text);
    assert.equal(client_response.status, ERRORS[code].status);
    assert.equal(error.status, client_response.status);
    assert.equal(error.type, ERRORS[code].type);
    assert.equal(error.param, param);
    assert.equal(error.request_id, client_response.request_id);
    const call = await gateway.recorded(client_response.request_id);
    assert.equal(call.response_status, 'REFUSED');
    assert.equal(call.error_code, code);
    assert.equal(call.http_status, client_response.status);
    assert.equal(call.intent_sequence, null);
    assert.equal(call.customer_cost, '0');
    assert.equal(call.rating, 'NONE');
    return { call, error };
  };

  const raw = (path: string, body: string | Buffer, headers: Record<string, string> = {}) =>
    gateway.send({
      method: 'POST',
      path,
      headers: { ...bearer(gateway.keys.api_key), ...headers },
      body,
    });

  let seen = 0;
  beforeEach(() => {
    seen = gateway.sandbox.requests_seen();
  });
  afterEach(() => {
    assert.equal(gateway.sandbox.requests_seen(), seen, 'no provider got a refused call');
    assert.equal(gateway.budgets.total('demo/2026-11'), 0n, 'nothing stays reserved');
  });

  for (const path of ENDPOINTS) {
    describe(`at ${path}`, () => {
      it('without a key gets 401, and is recorded without a customer', async () => {
        const client_response = await gateway.send({ method: 'POST', path, body: JSON.stringify(HELLO) });
        const { call } = await assertRefused(client_response, 'missing_api_key');
        assert.equal(call.customer, 'unknown');
        assert.equal(call.api_key, 'unknown');
        assert.equal(call.endpoint, path);
      });

      it('with an unknown key gets 401', async () => {
        await assertRefused(await gateway.post(path, HELLO, 'sk_wrong'), 'invalid_api_key');
      });

      it('without a bearer token in the header gets 401', async () => {
        const headers = { authorization: `Basic ${gateway.keys.api_key}` };
        const client_response = await gateway.send({ method: 'POST', path, headers, body: JSON.stringify(HELLO) });
        await assertRefused(client_response, 'missing_api_key');
      });

      it("with an administrator's key gets 403", async () => {
        await assertRefused(await gateway.post(path, HELLO, gateway.keys.admin_key), 'forbidden');
      });

      it('with a body that is not JSON gets 400 that names the position', async () => {
        const { error } = await assertRefused(await raw(path, '{"model": "gpt'), 'malformed_json');
        assert.match(error.details!, /position|end of|Unterminated/i);
      });

      it('with an empty body gets 400', async () => {
        const { error } = await assertRefused(await raw(path, ''), 'malformed_json');
        assert.equal(error.details, 'The body is empty.');
      });

      it('with a body that is not UTF-8 gets 400', async () => {
        const body = Buffer.concat([Buffer.from('{"prompt":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
        const { error } = await assertRefused(await raw(path, body), 'malformed_json');
        assert.equal(error.details, 'The body is not UTF-8.');
      });

      it('with JSON that is not an object gets 400', async () => {
        for (const body of ['null', '7', '"text"', '[]', 'true']) {
          await assertRefused(await raw(path, body), 'invalid_request');
        }
      });

      it('with another content type gets 415', async () => {
        for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
          await assertRefused(
            await raw(path, JSON.stringify(HELLO), { 'content-type': type }),
            'unsupported_media_type',
          );
        }
      });

      it('with a compressed body gets 415', async () => {
        const client_response = await raw(path, JSON.stringify(HELLO), { 'content-encoding': 'gzip' });
        const { error } = await assertRefused(client_response, 'unsupported_media_type');
        assert.match(error.details!, /gzip/);
      });

      it('with a body over the limit gets 413 that states the limit', async () => {
        const client_response = await raw(path, JSON.stringify({ ...HELLO, user: 'x'.repeat(BODY_LIMIT_BYTES) }));
        const { error } = await assertRefused(client_response, 'body_too_large');
        assert.match(error.details!, /4096 bytes/);
      });

      it('with a body over the limit and without a content length gets 413 too', async () => {
        await assertRefused(await sendChunked(gateway, path, 3 * BODY_LIMIT_BYTES), 'body_too_large');
      });

      it('for an unknown model gets 404, and its record holds the name', async () => {
        const body = { ...(path === ENDPOINTS[0] ? HELLO : { prompt: 'Hi' }), model: 'gpt-zero' };
        const { call, error } = await assertRefused(await gateway.post(path, body), 'model_not_found', 'model');
        assert.equal(call.model_requested, 'gpt-zero');
        assert.match(error.details!, /gpt-zero/);
      });

      it('for a model name that no text column can hold is recorded', async () => {
        for (const model of ['a\0b', '\ud800', '__proto__', 'constructor', '😀'.repeat(100)]) {
          const body = { ...(path === ENDPOINTS[0] ? HELLO : { prompt: 'Hi' }), model };
          await assertRefused(await gateway.post(path, body), 'model_not_found', 'model');
        }
      });
    });
  }

  it('with a revoked key gets 401 at once', async () => {
    const { key, id } = await gateway.newCustomer({ slug: 'revoking' });
    clock.advance(1);
    assert.equal((await gateway.admin('DELETE', `/api-keys/${id}`)).status, 200);
    const { call } = await assertRefused(await gateway.chat(HELLO, key), 'revoked_api_key');
    assert.equal(call.customer, 'revoking');
    assert.equal(call.api_key, id);
  });

  it('with an expired key gets 401, and not a millisecond earlier', async () => {
    const { key } = await gateway.newCustomer({ slug: 'expiring' }, { expires_at: '2026-11-21T10:00:10.000Z' });
    const unknown_model = { ...HELLO, model: 'gpt-zero' };
    clock.advance(Date.parse('2026-11-21T10:00:09.999Z') - clock.now());
    await assertRefused(await gateway.chat(unknown_model, key), 'model_not_found', 'model');
    clock.advance(1);
    await assertRefused(await gateway.chat(unknown_model, key), 'expired_api_key');
  });

  it('from an IP address that the key does not allow gets 403', async () => {
    const { key } = await gateway.newCustomer({ slug: 'elsewhere' }, { allowed_ips: ['192.0.2.1', '::1'] });
    const { error, call } = await assertRefused(await gateway.chat(HELLO, key), 'forbidden');
    assert.match(error.details!, /address/);
    assert.equal(call.request_ip, '127.0.0.1');
  });

  it('of a suspended customer gets 403', async () => {
    const { key } = await gateway.newCustomer({ slug: 'suspended' });
    clock.advance(1);
    const { control } = gateway;
    const customer_hk = control.rows.hubKey('customer_h', { customer_bk: 'suspended' });
    await restate(control, 'customer_config_s', customer_hk, { customer_status: 'SUSPENDED' });
    const { error } = await assertRefused(await gateway.chat(HELLO, key), 'forbidden');
    assert.match(error.details!, /suspended/);
  });

  const user = { role: 'user', content: 'Hi' };
  const WRONG_CHATS: readonly (readonly [body: unknown, param: string])[] = [
    [{}, 'model'],
    [{ model: 'gpt-4o-mini' }, 'messages'],
    [{ ...HELLO, model: 7 }, 'model'],
    [{ ...HELLO, model: '' }, 'model'],
    [{ ...HELLO, messages: 'Hi' }, 'messages'],
    [{ ...HELLO, messages: [] }, 'messages'],
    [{ ...HELLO, messages: [user, 7] }, 'messages[1]'],
    [{ ...HELLO, messages: [{ content: 'Hi' }] }, 'messages[0].role'],
    [{ ...HELLO, messages: [{ role: 'boss', content: 'Hi' }] }, 'messages[0].role'],
    [{ ...HELLO, messages: [user, { role: 'user', content: 7 }] }, 'messages[1].content'],
    [{ ...HELLO, messages: [{ role: 'user', content: [{ text: 'Hi' }] }] }, 'messages[0].content'],
    [{ ...HELLO, stream: 'yes' }, 'stream'],
    [{ ...HELLO, stream_options: { include_usage: 1 } }, 'stream_options.include_usage'],
    [{ ...HELLO, max_tokens: 0 }, 'max_tokens'],
    [{ ...HELLO, max_tokens: 1.5 }, 'max_tokens'],
    [{ ...HELLO, max_completion_tokens: 1e300 }, 'max_completion_tokens'],
    [{ ...HELLO, n: 129 }, 'n'],
    [{ ...HELLO, temperature: 2.1 }, 'temperature'],
    [{ ...HELLO, top_p: -1 }, 'top_p'],
    [{ ...HELLO, tools: [7] }, 'tools[0]'],
  ];
  for (const [body, param] of WRONG_CHATS) {
    it(`names the field ${param} of ${JSON.stringify(body).slice(0, 90)}`, async () => {
      const client_response = await gateway.chat(body as object);
      const { error } = await assertRefused(client_response, 'invalid_request', errorOf(client_response).param);
      assert.ok(error.param!.startsWith(param), `${error.param} is not at ${param}`);
      assert.ok(error.message.includes(error.param!), 'SDKs show only the message');
    });
  }

  const WRONG_UNIFIED: readonly (readonly [body: unknown, param: string])[] = [
    [{}, 'prompt'],
    [{ prompt: 'Hi', messages: [user] }, 'prompt'],
    [{ prompt: '' }, 'prompt'],
    [{ prompt: 7 }, 'prompt'],
    [{ prompt: 'Hi', typ: 'completion' }, 'typ'],
    [{ prompt: 'Hi', type: 'Not A Type' }, 'type'],
    [{ prompt: 'Hi', priority: 'urgent' }, 'priority'],
    [{ prompt: 'Hi', max_cost: 0 }, 'max_cost'],
    [{ prompt: 'Hi', max_cost: '-1' }, 'max_cost'],
    [{ prompt: 'Hi', max_cost: '1e-3' }, 'max_cost'],
    [{ prompt: 'Hi', max_cost: 1e-13 }, 'max_cost'],
    [{ prompt: 'Hi', max_tokens: 0 }, 'max_tokens'],
    [{ prompt: 'Hi', temperature: 3 }, 'temperature'],
    [{ prompt: 'Hi', stream: 1 }, 'stream'],
    [{ messages: [{ role: 'tool', content: 'Hi' }] }, 'messages[0].role'],
    [{ messages: [{ ...user, name: 'x' }] }, 'messages[0].name'],
  ];
  for (const [body, param] of WRONG_UNIFIED) {
    it(`names the field ${param} of the unified ${JSON.stringify(body).slice(0, 80)}`, async () => {
      await assertRefused(await gateway.ai(body as object), 'invalid_request', param);
    });
  }

  it("is an error of its own class in OpenAI's SDK", async () => {
    const { APIError, AuthenticationError, NotFoundError } = await import('openai');
    const call = (key: string, model: string) =>
      gateway.openai(key).chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }] });
    await assert.rejects(call('sk_wrong', 'gpt-4o-mini'), (error) => {
      assert.ok(error instanceof AuthenticationError);
      assert.equal(error.code, 'invalid_api_key');
      return true;
    });
    await assert.rejects(call(gateway.keys.api_key, 'gpt-zero'), (error) => {
      assert.ok(error instanceof NotFoundError && error instanceof APIError);
      assert.equal(error.param, 'model');
      assert.match(error.message, /no model "gpt-zero"/);
      return true;
    });
  });
});

/** Sends a body in pieces without a length, and reads the response, which may come before all is sent. */
const sendChunked = (gateway: TestGateway, path: string, bytes: number): Promise<ClientResponse> =>
  new Promise((resolve, reject) => {
    const request = httpRequest(`${gateway.url}${path}`, {
      method: 'POST',
      headers: bearer(gateway.keys.api_key),
    });
    request.on('error', reject);
    request.on('response', async (response) => {
      const bytes = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>));
      const text = bytes.toString();
      const request_id = String(response.headers['x-request-id']);
      resolve({
        status: response.statusCode!,
        headers: response.headers,
        text,
        bytes,
        json: JSON.parse(text),
        request_id,
      });
    });
    for (let sent = 0; sent < bytes; sent += 1_024) request.write('x'.repeat(1_024));
    request.end();
  });
