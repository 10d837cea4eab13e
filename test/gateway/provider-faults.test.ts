import assert from 'node:assert/strict';
import type { ErrorCode } from '../../src/core/errors.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type ClientResponse, errorOf, framesOf } from '../support/http.ts';

// Only providers that stay silent for 5 s or more wait for it.
const TIMEOUT_MS = 1_000;
const MODELS = ['gpt-4o-mini', 'claude-haiku-4-5'] as const;

/** A provider's fault, and the expected response and record. */
interface Fault {
  readonly directive: string;
  readonly code: ErrorCode;
  readonly status: number;
  readonly response_status: 'ERROR' | 'TIMEOUT';
  readonly attempts: number;
  readonly retry_after?: string;
}

const fault = (
  directive: string,
  code: ErrorCode,
  status: number,
  attempts: number,
  more: Partial<Fault> = {},
): Fault => ({ directive, code, status, attempts, response_status: 'ERROR', ...more });

const FAULTS: readonly Fault[] = [
  fault('status=400', 'provider_rejected', 400, 1),
  fault('status=404', 'provider_rejected', 404, 1),
  fault('status=413', 'provider_rejected', 413, 1),
  fault('status=422', 'provider_rejected', 422, 1),
  fault('status=401', 'provider_error', 502, 2),
  fault('status=403', 'provider_error', 502, 2),
  fault('status=429', 'provider_rate_limited', 429, 1, { retry_after: '1' }),
  fault('status=500', 'provider_error', 502, 2),
  fault('status=503', 'provider_error', 502, 2, { retry_after: '1' }),
  fault('status=529', 'provider_error', 502, 2, { retry_after: '1' }),
  fault('garbage', 'provider_malformed', 502, 2),
  fault('wrong_type', 'provider_malformed', 502, 2),
];

const SILENCES: readonly Fault[] = ['hang', 'latency_ms=9000', 'slow_first_ms=9000'].map((directive) =>
  fault(directive, 'provider_timeout', 504, 1, { response_status: 'TIMEOUT' }),
);

const WHOLE_ONLY: readonly Fault[] = [
  fault('empty', 'provider_malformed', 502, 2),
  fault('cut_after=0', 'provider_disconnected', 502, 2),
  fault('cut_after=4', 'provider_disconnected', 502, 2),
];

const STREAM_ONLY: readonly Fault[] = [
  fault('empty', 'provider_disconnected', 502, 2),
  fault('cut_after=0', 'provider_disconnected', 502, 2),
  fault('error_after=0', 'provider_error', 502, 2),
];

describe('a provider that fails', () => {
  let gateway: TestGateway;

  let impatient_gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway();
    impatient_gateway = await startTestGateway({
      limits: { headers_timeout_ms: TIMEOUT_MS, idle_timeout_ms: TIMEOUT_MS },
    });
  });
  after(async () => {
    await gateway.close();
    await impatient_gateway.close();
  });

  const send = (model: string, directive: string, stream: boolean, to = gateway): Promise<ClientResponse> =>
    to.chat({ model, stream, messages: [{ role: 'user', content: `Hi [[sandbox: ${directive}]]` }] });

  const spent = (by = gateway) => by.budgets.total(`demo/${new Date().toISOString().slice(0, 7)}`);

  const assertFailed = async (response: ClientResponse, expected: Fault, model: string, by = gateway) => {
    const error = errorOf(response);
    assert.equal(error.code, expected.code, response.text);
    assert.equal(response.status, expected.status);
    assert.equal(error.status, expected.status);
    assert.equal(error.request_id, response.request_id);
    assert.equal(response.headers['retry-after'], expected.retry_after);
    assert.match(response.headers['content-type']!, /^application\/json/);
    assert.ok(!/127\.0\.0\.1|localhost|sk-upstream/.test(response.text), 'the error shows neither host nor key');
    const call = await by.recorded(response.request_id);
    assert.equal(call.response_status, expected.response_status);
    assert.equal(call.error_code, expected.code);
    assert.equal(call.http_status, expected.status);
    assert.equal(call.model, model);
    assert.equal(call.customer_cost, '0');
    assert.ok(call.intent_sequence !== null);
    assert.equal(call.route?.attempts.length, expected.attempts);
    assert.equal(call.route?.attempts.at(-1)?.error_code, expected.code);
  };

  for (const model of MODELS) {
    for (const [how, stream, faults] of [
      ['whole', false, [...FAULTS, ...WHOLE_ONLY]],
      ['streamed', true, [...FAULTS, ...STREAM_ONLY]],
    ] as const) {
      for (const expected of faults) {
        it(`by ${expected.directive} causes ${expected.status} ${expected.code} for a ${how} call of ${model}, recorded without cost`, async () => {
          const before = spent();
          await assertFailed(await send(model, expected.directive, stream), expected, model);
          assert.equal(spent(), before, 'the reservation is released');
        });
      }
    }

    it(`in the middle of ${model}'s stream causes an error frame at its end, and the produced tokens are paid`, async () => {
      for (const [directive, code] of [
        ['tokens=40 cut_after=20 token_interval_ms=1', 'provider_disconnected'],
        ['tokens=40 error_after=20 token_interval_ms=1', 'provider_error'],
      ] as const) {
        const before = spent();
        const response = await send(model, directive, true);
        assert.equal(response.status, 200);
        const frames = framesOf(response.text);
        assert.ok(!frames.includes('[DONE]'), 'a broken stream does not look complete');
        const { error } = JSON.parse(frames.at(-1)!) as { error: { code: string } };
        assert.equal(error.code, code);
        const call = await gateway.recorded(response.request_id);
        assert.equal(call.response_status, 'ERROR');
        assert.equal(call.error_code, code);
        assert.equal(call.http_status, 200);
        assert.equal(call.usage_source, 'counted');
        assert.ok(call.completion_tokens! >= 15 && call.completion_tokens! <= 20, `${call.completion_tokens}`);
        assert.equal(spent() - before, BigInt(call.customer_cost!));
      }
    });
  }

  // All in parallel, because the caller's clock ticks only twice a second.
  it('by silence causes 504 for every call after the timeout, recorded without cost', async () => {
    const before = spent(impatient_gateway);
    const cases = MODELS.flatMap((model) =>
      [false, true].flatMap((stream) => SILENCES.map((expected) => ({ model, stream, expected }))),
    );
    await Promise.all(
      cases.map(async ({ model, stream, expected }) => {
        const response = await send(model, expected.directive, stream, impatient_gateway);
        await assertFailed(response, expected, model, impatient_gateway);
      }),
    );
    assert.equal(spent(impatient_gateway), before);
  });

  it('by silence in the middle of a stream is disconnected after the idle timeout', async () => {
    await Promise.all(
      MODELS.map(async (model) => {
        const response = await send(model, 'tokens=9 token_interval_ms=5000', true, impatient_gateway);
        const { error } = JSON.parse(framesOf(response.text).at(-1)!) as { error: { code: string } };
        assert.equal(error.code, 'provider_timeout');
        assert.equal((await impatient_gateway.recorded(response.request_id)).response_status, 'TIMEOUT');
      }),
    );
  });

  it('does not stop the gateway', async () => {
    const response = await send('gpt-4o-mini', 'tokens=1', false);
    assert.equal(response.status, 200);
    assert.equal((await gateway.get('/health/readiness')).status, 200);
  });

  it("causes an error of OpenAI's SDK, also in the middle of a stream", async () => {
    const stream = await gateway.openai().chat.completions.create({
      model: 'gpt-4o-mini',
      stream: true,
      messages: [{ role: 'user', content: '[[sandbox: tokens=40 cut_after=5 token_interval_ms=1]]' }],
    });
    await assert.rejects(async () => {
      for await (const chunk of stream) assert.ok(chunk);
    }, /closed the connection/);
  });
});

describe('a provider that cannot be reached', () => {
  let gateway: TestGateway;

  before(async () => {
    // Nobody listens on port 1.
    gateway = await startTestGateway({
      base_urls: { openai: 'http://127.0.0.1:1/v1', anthropic: 'http://127.0.0.1:1' },
    });
  });
  after(() => gateway.close());

  for (const model of MODELS) {
    it(`causes 502 for a call of ${model}, after two attempts`, async () => {
      for (const stream of [false, true]) {
        const response = await gateway.chat({ model, stream, messages: [{ role: 'user', content: 'Hi' }] });
        assert.equal(response.status, 502);
        assert.equal(errorOf(response).code, 'provider_unreachable');
        assert.ok(!response.text.includes('127.0.0.1'));
        const call = await gateway.recorded(response.request_id);
        assert.equal(call.error_code, 'provider_unreachable');
        assert.equal(call.route?.attempts.length, 2);
        assert.deepEqual(
          call.route?.attempts.map(({ http_status }) => http_status),
          [null, null],
        );
      }
    });
  }
});
