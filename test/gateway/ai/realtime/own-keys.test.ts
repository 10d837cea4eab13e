import assert from 'node:assert/strict';
import type { AddressGuardOptions } from '../../../../src/providers/transport/address-guard.ts';
import { startTestGateway, type TestGateway } from '../../../support/gateway.ts';
import { giveKey } from '../../../support/provider-keys.ts';
import { openRealtime, refusedRealtime } from '../../../support/realtime.ts';
import { settledSession } from '../../../support/realtime-records.ts';
import { restate } from '../../../support/restate.ts';

const VOICE = { model: 'acme-voice', provider_model: 'ft:gpt-realtime:acme::7', base_model: 'gpt-realtime' };

// Every name resolves to an address in the operator's network.
const INSIDE: AddressGuardOptions = {
  allowed_hosts: [],
  resolve: async () => [{ address: '127.0.0.1', family: 4 }],
};

describe("a realtime session with a customer's own key", () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway({ guard: INSIDE });
  });
  after(() => gateway.close());

  const settled = (request_id: string) => settledSession(gateway, request_id);
  const month = new Date().toISOString().slice(0, 7);

  it("is billed to the key, within the key's limit, with a custom model under the customer's name for it", async () => {
    const { key } = await gateway.newCustomer({ slug: 'owner', markup_basis_points: 1_000 });
    const { id } = await giveKey(gateway, 'owner', { custom_models: [VOICE], monthly_spending_limit: '5' });
    const path = '/v1/realtime?model=acme-voice';
    const session = await openRealtime({ url: gateway.url, api_key: key, path });
    const { session: created } = (await session.until('session.created')) as unknown as {
      session: { model: string };
    };
    assert.equal(created.model, VOICE.provider_model);
    session.send({ type: 'session.update', session: { model: 'acme-voice', instructions: 'Be brief.' } });
    const { session: updated } = (await session.until('session.updated')) as unknown as {
      session: { instructions: string };
    };
    assert.equal(updated.instructions, 'Be brief.');
    const { usage } = await session.prompt('Good morning');
    await session.close();
    const call = await settled(session.request_id);
    const listed = BigInt(usage.input_tokens) * 4_000_000n + BigInt(usage.output_tokens) * 16_000_000n;
    const { provider_key, provider_key_cost } = call.route!.attempts.at(-1)!;
    assert.deepEqual([provider_key, provider_key_cost], [id, String(listed)]);
    assert.deepEqual([call.provider_cost, call.customer_cost], ['0', String(listed / 10n)]);
    assert.equal(gateway.budgets.total(`provider-key:${id}/${month}`), listed);
    assert.equal(gateway.budgets.total(`owner/${month}`), listed / 10n);
  });

  it("is refused if the key's limit has no room, and ends if the limit is used up or the key is revoked", async () => {
    const { key } = await gateway.newCustomer({ slug: 'limited' });
    const target = { url: gateway.url, api_key: key };
    const { id } = await giveKey(gateway, 'limited', { monthly_spending_limit: '0.5' });
    const refused = await refusedRealtime(target);
    assert.deepEqual([refused.status, refused.code], [402, 'budget_exceeded']);
    assert.equal((await gateway.admin('DELETE', `/customers/limited/provider-keys/${id}`)).status, 200);
    const { id: second } = await giveKey(gateway, 'limited', { monthly_spending_limit: '2' });
    const session = await openRealtime(target);
    session.send({ type: 'response.create', response: { conversation: 'none' } });
    session.send({ type: 'response.create', response: { conversation: 'none' } });
    assert.equal((await session.closed()).code, 1008);
    assert.equal((await settled(session.request_id)).error_code, 'budget_exceeded');
    const open = await openRealtime(target);
    await gateway.admin('DELETE', `/customers/limited/provider-keys/${second}`);
    assert.equal((await open.closed()).code, 1008);
    assert.equal((await settled(open.request_id)).error_code, 'provider_key_refused');
  });
});

describe("a realtime session at a customer's own address", () => {
  it("reaches no address inside the operator's network", async () => {
    const gateway = await startTestGateway({ guard: INSIDE });
    try {
      const { key } = await gateway.newCustomer({ slug: 'inside' });
      const { id } = await giveKey(gateway, 'inside');
      const own = gateway.control.rows.hubKey('customer_provider_keys_h', { customer_provider_key_bk: id });
      const seen = gateway.sandbox.requests_seen();
      // An address that was allowed when it was entered, and a public name with a private address.
      for (const base_url of [gateway.sandbox.url, 'https://rebound.example.com/v1']) {
        await restate(gateway.control, 'customer_provider_key_terms_s', own, { base_url });
        const refused = await refusedRealtime({ url: gateway.url, api_key: key });
        assert.deepEqual([refused.status, refused.code], [502, 'provider_unreachable']);
      }
      assert.equal(gateway.sandbox.requests_seen(), seen);
    } finally {
      await gateway.close();
    }
  });
});
