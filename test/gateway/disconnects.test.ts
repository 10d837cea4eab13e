import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, until, type VaultCall } from '../support/http.ts';

const MODELS = ['gpt-4o-mini', 'claude-haiku-4-5'] as const;

describe('a client that disconnects', () => {
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  const open = (model: string, directive: string, stream: boolean, text = 'Hi'): ClientRequest => {
    const request = httpRequest(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: bearer(gateway.keys.api_key),
    });
    request.on('error', () => {});
    const content = `${text} [[sandbox: ${directive}]]`;
    request.end(JSON.stringify({ model, stream, messages: [{ role: 'user', content }] }));
    return request;
  };

  const spent = () => gateway.budgets.total(`demo/${new Date().toISOString().slice(0, 7)}`);

  const inFlight = async (): Promise<number> => {
    const { text } = await gateway.get('/metrics');
    return Number(/^onevault_calls_in_flight (\d+)$/m.exec(text)?.[1]);
  };

  /** The only call that the vault has received since, once no call is in flight. */
  const recordedAfter = async (run: () => Promise<void>): Promise<VaultCall> => {
    const known = new Set(await requestIds(gateway));
    await run();
    await until(async () => (await inFlight()) === 0, 'no call is in flight');
    await gateway.drain();
    const added = (await requestIds(gateway)).filter((id) => !known.has(id));
    assert.equal(added.length, 1);
    return gateway.recorded(added[0]!);
  };

  for (const model of MODELS) {
    it(`while it waits for ${model} is recorded as cancelled and pays nothing`, async () => {
      for (const stream of [false, true]) {
        const before = spent();
        const call = await recordedAfter(async () => {
          const seen = gateway.sandbox.requests_seen();
          const request = open(model, 'hang', stream);
          await until(() => gateway.sandbox.requests_seen() > seen, 'the provider has the call');
          request.destroy();
        });
        assert.equal(call.response_status, 'CANCELLED');
        assert.equal(call.error_code, 'client_closed_request');
        assert.equal(call.http_status, 499);
        assert.equal(call.customer_cost, '0');
        assert.equal(call.is_streamed, stream);
        assert.ok(call.intent_sequence !== null);
        assert.equal(call.route!.attempts.length, 1);
        assert.equal(spent(), before);
      }
    });

    it(`in the middle of ${model}'s stream pays for the counted tokens that were produced`, async () => {
      const before = spent();
      const call = await recordedAfter(async () => {
        const request = open(model, 'tokens=1000 token_interval_ms=2', true);
        const [response] = (await once(request, 'response')) as [IncomingMessage];
        await readFrames(response, 20);
        request.destroy();
      });
      assert.equal(call.response_status, 'CANCELLED');
      assert.equal(call.error_code, 'client_closed_request');
      assert.equal(call.http_status, 200);
      assert.equal(call.usage_source, 'counted');
      assert.ok(call.completion_tokens! >= 15 && call.completion_tokens! < 1_000, `${call.completion_tokens}`);
      assert.equal(call.rating, 'RATED');
      assert.ok(BigInt(call.customer_cost!) > 0n);
      assert.equal(spent() - before, BigInt(call.customer_cost!));
    });
  }

  it('in the middle of a stream is counted also if its prompt contains names of special tokens', async () => {
    const call = await recordedAfter(async () => {
      const request = open('gpt-4o-mini', 'tokens=1000 token_interval_ms=2', true, '<|endoftext|> <|im_start|>');
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      await readFrames(response, 5);
      request.destroy();
    });
    assert.equal(call.usage_source, 'counted');
    assert.ok(call.prompt_tokens! > 10);
  });

  it('in the middle of its own body is recorded, and no provider gets the call', async () => {
    const seen = gateway.sandbox.requests_seen();
    const call = await recordedAfter(async () => {
      const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
      socket.on('error', () => {});
      socket.write(
        'POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-length: 1000\r\n' +
          `authorization: Bearer ${gateway.keys.api_key}\r\n\r\n{"model":`,
      );
      await until(async () => (await inFlight()) === 1, 'the call is in flight');
      socket.destroy();
    });
    assert.equal(call.response_status, 'CANCELLED');
    assert.equal(call.error_code, 'client_closed_request');
    assert.equal(call.intent_sequence, null);
    assert.equal(gateway.sandbox.requests_seen(), seen);
  });

  it('never causes an attempt at a second provider', async () => {
    const call = await recordedAfter(async () => {
      const seen = gateway.sandbox.requests_seen();
      const request = httpRequest(`${gateway.url}/v1/ai/completions`, {
        method: 'POST',
        headers: bearer(gateway.keys.api_key),
      });
      request.on('error', () => {});
      request.end(JSON.stringify({ prompt: '[[sandbox: hang]]' }));
      await until(() => gateway.sandbox.requests_seen() > seen, 'the provider has the call');
      request.destroy();
    });
    assert.equal(call.route!.attempts.length, 1);
  });
});

const requestIds = async ({ database }: TestGateway): Promise<string[]> => {
  const rows = await database.sql<{ id: string }[]>`
    select api_request_bk as id
    from gateway.api_request_h
    where api_request_bk <> 'unknown'`;
  return rows.map(({ id }) => id);
};

const readFrames = async (response: IncomingMessage, count: number): Promise<void> => {
  let text = '';
  for await (const chunk of response.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.split('\n\n').length > count) return;
  }
};
