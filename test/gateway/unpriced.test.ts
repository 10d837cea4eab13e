import assert from 'node:assert/strict';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { errorOf } from '../support/http.ts';
import { restate } from '../support/restate.ts';

const REQUEST = { model: 'gpt-4.1', messages: [{ role: 'user', content: 'Hi' }] };

describe('a model without a price', () => {
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway();
    const { control } = gateway;
    const model_hk = control.rows.hubKey('model_h', { model_bk: REQUEST.model });
    const provider_hk = control.rows.hubKey('ai_provider_h', { provider_bk: 'openai' });
    const deployment_hk = control.rows.linkKey('model_provider_l', { model_hk, provider_hk });
    await restate(control, 'model_price_s', deployment_hk, { input_price: null, output_price: null });
  });
  after(() => gateway.close());

  it('is refused to a customer whose policy requires a price, and the call is recorded', async () => {
    const { key } = await gateway.newCustomer({ slug: 'careful', unpriced_policy: 'refuse' });
    const seen = gateway.sandbox.requests_seen();
    const response = await gateway.chat(REQUEST, key);
    assert.equal(response.status, 422);
    assert.equal(errorOf(response).code, 'unpriced_model');
    assert.equal((await gateway.recorded(response.request_id)).response_status, 'REFUSED');
    assert.equal(gateway.sandbox.requests_seen(), seen);
  });

  it('serves a customer whose policy allows it, and the call is recorded as unpriced, never as free', async () => {
    const { key } = await gateway.newCustomer({ slug: 'careless', unpriced_policy: 'allow' });
    const response = await gateway.chat(REQUEST, key);
    assert.equal(response.status, 200);
    const call = await gateway.recorded(response.request_id);
    assert.equal(call.rating, 'UNPRICED');
    assert.equal(call.customer_cost, null);
    assert.equal(call.provider_cost, null);
    assert.ok(call.price_version !== null);
    assert.equal(call.route?.candidates[0]?.worst_cost, null);
    assert.match((await gateway.get('/metrics')).text, /^onevault_calls_unpriced_total 1$/m);
  });

  it('is never chosen for a call with max_cost', async () => {
    const { key } = await gateway.newCustomer({ slug: 'bounded', unpriced_policy: 'allow' });
    const response = await gateway.ai({ prompt: 'Hi', model: REQUEST.model, max_cost: 1 }, key);
    assert.equal(response.status, 402);
  });
});
