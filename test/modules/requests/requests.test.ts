import assert from 'node:assert/strict';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { dataOf, errorOf } from '../../support/http.ts';

describe('GET /requests/{request_id}', () => {
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  it('shows a call as the vault has it once it is loaded', async () => {
    const response = await gateway.chat({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: 'Hi' }],
    });
    const path = `/requests/${response.request_id}`;
    const too_soon = await gateway.admin('GET', path);
    assert.equal(too_soon.status, 404);
    assert.match(errorOf(too_soon).details!, /within a second/);
    await gateway.drain();
    const call = dataOf<Record<string, unknown>>(await gateway.admin('GET', path));
    assert.equal(call.request_id, response.request_id);
    assert.equal(call.customer, 'demo');
    assert.equal(call.provider, 'openai');
    assert.equal(call.model, 'gpt-4o-mini');
    assert.equal(call.endpoint, '/v1/chat/completions');
    assert.match(String(call.customer_cost), /^\d+$/);
    assert.match(String(call.request_timestamp), /^\d{4}-\d\d-\d\dT.*Z$/);
    assert.match(String(call.price_version), /^[0-9a-f]{64}$/);
    assert.equal((call.route as { attempts: unknown[] }).attempts.length, 1);
  });

  it('shows a call without a known customer', async () => {
    const { request_id } = await gateway.chat({}, 'sk_wrong');
    await gateway.drain();
    const call = dataOf<Record<string, unknown>>(await gateway.admin('GET', `/requests/${request_id}`));
    assert.equal(call.customer, 'unknown');
    assert.equal(call.route, null);
  });

  it('returns 404 for an unknown call, whatever its id', async () => {
    for (const id of ['x', 'unknown', '%00', '00000000-0000-7000-8000-000000000000', "';--", '1'.repeat(9_000)]) {
      assert.equal((await gateway.admin('GET', `/requests/${id}`)).status, 404, id);
    }
  });
});
