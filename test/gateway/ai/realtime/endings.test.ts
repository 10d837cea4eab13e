import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestGateway, type TestGateway, type TestGatewayOptions } from '../../../support/gateway.ts';
import { until } from '../../../support/http.ts';
import { bareSocketOf, openRealtime, refusedRealtime, userMessage } from '../../../support/realtime.ts';
import { endOf, settledSession as settled } from '../../../support/realtime-records.ts';

interface Used {
  readonly request_id: string;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly customer_cost: string;
}

describe('the end of a realtime session', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway({ realtime: { message_max_bytes: 10_000 } });
  });
  after(() => gateway.close());

  const open = (api_key = gateway.keys.api_key) => openRealtime({ url: gateway.url, api_key });
  const reserved = () => gateway.budgets.total(`demo/${new Date().toISOString().slice(0, 7)}`);

  it('cancels the response of a client that left, so that the provider reports its usage', async () => {
    const before = reserved();
    const session = await open();
    session.send(userMessage('one two three four five six [[sandbox: tokens=500 token_interval_ms=5]]'));
    session.send({ type: 'response.create' });
    await session.until('response.output_text.delta');
    session.socket.terminate();
    const { call, closed_by, close_code } = await endOf(gateway, session);
    assert.deepEqual(
      [call.response_status, call.error_code, call.usage_source, closed_by, close_code],
      ['CANCELLED', 'client_closed_request', 'provider', 'client', 1006],
    );
    assert.ok(call.prompt_tokens! > 0 && call.customer_cost !== '0');
    assert.equal(reserved() - before, BigInt(call.customer_cost!));
  });

  it('counts what a provider used and did not report before it left', async () => {
    const before = reserved();
    const session = await open();
    await session.prompt('Good morning');
    session.send(userMessage('one two three four five six seven eight [[sandbox: cut_after=10]]'));
    session.send({ type: 'response.create' });
    const { code, call, closed_by, sent_error } = await endOf(gateway, session);
    assert.deepEqual([code, sent_error, closed_by], [1011, 'provider_disconnected', 'provider']);
    assert.deepEqual(
      [call.response_status, call.error_code, call.usage_source],
      ['ERROR', 'provider_disconnected', 'counted'],
    );
    assert.ok(call.completion_tokens! > 4, 'more than the first response');
    assert.equal(reserved() - before, BigInt(call.customer_cost!));
  });

  it('comes with 1008 when the budget does not pay for another response', async () => {
    const probe = await open();
    await probe.close();
    const [candidate] = (await settled(gateway, probe.request_id)).route!.candidates;
    const max_cost = BigInt(candidate!.worst_cost!);
    const budget = `${max_cost / 1_000_000_000_000n}.${String(max_cost % 1_000_000_000_000n).padStart(12, '0')}`;
    const { key } = await gateway.newCustomer({
      slug: 'narrow',
      cost_budget_monthly: budget,
      markup_basis_points: 2_000,
    });
    const session = await open(key);
    await session.prompt('Good morning');
    const { code, call, closed_by, sent_error } = await endOf(gateway, session);
    assert.deepEqual([code, sent_error, closed_by], [1008, 'budget_exceeded', 'gateway']);
    assert.deepEqual([call.response_status, call.error_code], ['REFUSED', 'budget_exceeded']);
    assert.ok(call.prompt_tokens! > 0 && BigInt(call.customer_cost!) > 0n);
    const refused = await refusedRealtime({ url: gateway.url, api_key: key });
    assert.deepEqual([refused.status, refused.code], [402, 'budget_exceeded']);
  });

  it('comes before the budget is exceeded, even if responses run at the same time', async () => {
    const { key } = await gateway.newCustomer({
      slug: 'double',
      cost_budget_monthly: '2',
      markup_basis_points: 0,
    });
    const session = await open(key);
    for (let sent = 0; sent < 3; sent += 1)
      session.send({ type: 'response.create', response: { conversation: 'none' } });
    const { sent_error } = await endOf(gateway, session);
    assert.equal(sent_error, 'budget_exceeded');
  });

  it('follows within a second after the key was revoked', async () => {
    const { key, id } = await gateway.newCustomer({ slug: 'revoked' });
    const session = await open(key);
    assert.equal((await gateway.admin('DELETE', `/api-keys/${id}`)).status, 200);
    const { code, call, sent_error } = await endOf(gateway, session);
    assert.deepEqual([code, sent_error, call.response_status], [1008, 'revoked_api_key', 'REFUSED']);
  });

  it('comes with 1009 after a message that is too large, and with 1007 after a text that is not UTF-8', async () => {
    for (const [message, code, error] of [
      ['x'.repeat(10_001), 1009, 'body_too_large'],
      [Buffer.from([0xff, 0xfe]), 1007, 'invalid_request'],
    ] as const) {
      const session = await open();
      session.socket.send(message, { binary: false });
      const { code: closed_with, call, sent_error, close_code } = await endOf(gateway, session);
      assert.deepEqual([closed_with, close_code, sent_error, call.error_code], [code, code, error, error]);
    }
  });

  it('comes with the code that names the breach of the protocol by a client, and is recorded', async () => {
    for (const [hex, code, error] of [
      // Not masked, a reserved bit, a continuation of nothing, an unknown opcode, a long ping, a close code of 1005.
      ['810161', 1002, 'invalid_request'],
      ['c18000000000', 1002, 'invalid_request'],
      ['808000000000', 1002, 'invalid_request'],
      ['838000000000', 1002, 'invalid_request'],
      ['89fe007e00000000', 1002, 'invalid_request'],
      ['88820000000003ed', 1002, 'invalid_request'],
      ['818100000000ff', 1007, 'invalid_request'],
      ['81fe271100000000', 1009, 'body_too_large'],
      ['81ffffffffffffffffff00000000', 1009, 'body_too_large'],
    ] as const) {
      const session = await open();
      bareSocketOf(session).write(Buffer.from(hex, 'hex'));
      const { code: closed_with, call, sent_error, close_code, closed_by } = await endOf(gateway, session);
      assert.deepEqual([closed_with, close_code, sent_error, call.error_code], [code, code, error, error], hex);
      assert.deepEqual([closed_by, call.response_status], ['gateway', 'REFUSED'], hex);
    }
  });

  it('does not come if the rate limit of its key is reached: the response is refused, and the session goes on', async () => {
    const { key } = await gateway.newCustomer({ slug: 'slow' }, { rate_limit_requests_per_minute: 2 });
    const session = await open(key);
    await session.prompt('One');
    session.send({ type: 'response.create', event_id: 'mine' });
    const { error } = (await session.until('error')) as unknown as {
      error: { code: string; event_id: string };
    };
    assert.deepEqual([error.code, error.event_id], ['rate_limit_exceeded', 'mine']);
    session.send(userMessage('still there'));
    await session.until('conversation.item.done');
    await session.close();
    const refused = await refusedRealtime({ url: gateway.url, api_key: key });
    assert.deepEqual([refused.status, refused.code], [429, 'rate_limit_exceeded']);
  });
});

describe('a realtime session', () => {
  const run = async (options: TestGatewayOptions, test: (gateway: TestGateway) => Promise<void>): Promise<void> => {
    const gateway = await startTestGateway(options);
    try {
      await test(gateway);
    } finally {
      await gateway.close();
    }
  };
  const open = (gateway: TestGateway) => openRealtime({ url: gateway.url, api_key: gateway.keys.api_key });

  it('ends if both sides are silent too long, and if the provider stops in the middle of a response', async () => {
    await run({ realtime: { idle_timeout_ms: 300 }, limits: { idle_timeout_ms: 200 } }, async (gateway) => {
      const idle = await endOf(gateway, await open(gateway));
      assert.deepEqual([idle.code, idle.sent_error, idle.call.response_status], [1008, 'session_idle', 'REFUSED']);
      const session = await open(gateway);
      session.send(userMessage('[[sandbox: hang]]'));
      session.send({ type: 'response.create' });
      const silent = await endOf(gateway, session);
      assert.deepEqual(
        [silent.code, silent.sent_error, silent.call.response_status],
        [1011, 'provider_timeout', 'TIMEOUT'],
      );
    });
  });

  it('ends with 1001 when the gateway stops, and is recorded', async () => {
    await run({}, async (gateway) => {
      const session = await open(gateway);
      await session.prompt('Good morning');
      gateway.stop();
      const { code, call, sent_error } = await endOf(gateway, session);
      assert.deepEqual([code, sent_error, call.error_code, call.prompt_tokens], [1001, 'not_ready', 'not_ready', 3]);
    });
  });

  it("is refused beyond the limit of its customer's open sessions", async () => {
    await run({ realtime: { sessions_max: 2 } }, async (gateway) => {
      const target = { url: gateway.url, api_key: gateway.keys.api_key };
      const [first, second] = [await open(gateway), await open(gateway)];
      const refused = await refusedRealtime(target);
      assert.deepEqual([refused.status, refused.code], [429, 'rate_limit_exceeded']);
      const { key } = await gateway.newCustomer({ slug: 'other' });
      await (await openRealtime({ ...target, api_key: key })).close();
      await first.close();
      await until(
        async () => /^onevault_calls_in_flight 1$/m.test((await gateway.get('/metrics')).text),
        'one is left',
      );
      await (await open(gateway)).close();
      await second.close();
    });
  });

  it('keeps its own usage while two hundred of them run at once', async () => {
    await run({}, async (gateway) => {
      const { key } = await gateway.newCustomer({ slug: 'many' });
      const sessions = await Promise.all(
        Array.from({ length: 200 }, () => openRealtime({ url: gateway.url, api_key: key })),
      );
      const done = await Promise.all(sessions.map((session, index) => session.prompt(`I am number ${index}`)));
      await Promise.all(sessions.map((session) => session.close()));
      await settled(gateway, sessions[0]!.request_id);
      const rows = await gateway.control.sql<Used[]>`
        select h.api_request_bk as request_id, s.prompt_tokens, s.completion_tokens, s.customer_cost::text
        from gateway.api_request_s s
        join gateway.api_request_h h using (api_request_hk)
        where h.api_request_bk = any(${sessions.map(({ request_id }) => request_id)})`;
      const used = new Map(rows.map((row) => [row.request_id, row]));
      assert.deepEqual([rows.length, used.size], [200, 200]);
      let spent = 0n;
      for (const [index, { request_id }] of sessions.entries()) {
        const { prompt_tokens, completion_tokens, customer_cost } = used.get(request_id)!;
        const { input_tokens, output_tokens } = done[index]!.usage;
        assert.deepEqual([prompt_tokens, completion_tokens], [input_tokens, output_tokens]);
        spent += BigInt(customer_cost);
      }
      assert.equal(gateway.budgets.total(`many/${new Date().toISOString().slice(0, 7)}`), spent);
    });
  });

  it('sends nothing to either side before the record of it is on disk', async () => {
    let held: string | null = null;
    let opened = Promise.withResolvers<void>();
    const gateway = await startTestGateway({
      aroundJournal: (journal) => ({
        ...journal,
        append: async (record) => {
          if (record.kind === held) await opened.promise;
          return journal.append(record);
        },
      }),
    });
    const LONG_MS = 150;
    try {
      held = 'intent';
      const seen = gateway.sandbox.requests_seen();
      const opening = open(gateway);
      await sleep(LONG_MS);
      assert.equal(gateway.sandbox.requests_seen(), seen, 'no provider sees it before its intent is on disk');
      held = null;
      opened.resolve();
      const session = await opening;
      held = 'intent';
      opened = Promise.withResolvers();
      session.send(userMessage('Good morning'));
      session.send({ type: 'response.create' });
      await session.until('response.output_item.done');
      await sleep(LONG_MS);
      assert.equal(session.events.at(-1)!.type, 'conversation.item.done');
      held = 'outcome';
      opened.resolve();
      await session.until('response.done');
      opened = Promise.withResolvers();
      let is_closed = false;
      const closing = session.close().then(() => {
        is_closed = true;
      });
      await sleep(LONG_MS);
      assert.equal(is_closed, false);
      opened.resolve();
      await closing;
    } finally {
      await gateway.close();
    }
  });
});
