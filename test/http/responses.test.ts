import assert from 'node:assert/strict';
import { openApiDocument } from '../../src/http/openapi.ts';
import { apiContracts } from '../../src/server/api-contracts.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, type ClientResponse, dataOf } from '../support/http.ts';
import { actAsOpenAi, giveKey, OWN_KEY } from '../support/provider-keys.ts';
import { type CheckResponse, createResponseCheck } from '../support/response-check.ts';
import { type ScriptedUpstream, startScriptedUpstream } from '../support/upstream.ts';

const TIERS = [{ prices: { input: 1, output: 2 } }, { service_tier: 'flex', prices: { input: '0.5', output: 1 } }];

describe('every response of the control plane', () => {
  let gateway: TestGateway;
  let upstream: ScriptedUpstream;
  let check: CheckResponse;
  let api_key: string;
  let provider_key: string;
  const covered = new Set<string>();

  before(async () => {
    upstream = await startScriptedUpstream();
    gateway = await startTestGateway({
      base_urls: { openai: `${upstream.url}/v1` },
      guard: { allowed_hosts: [new URL(upstream.url).host] },
    });
    actAsOpenAi(upstream, [OWN_KEY]);
    check = createResponseCheck(openApiDocument(apiContracts(gateway.control.registry)));
    api_key = (await gateway.newCustomer({ slug: 'acme' })).id;
    provider_key = (await giveKey(gateway, 'acme')).id;
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  const send = async (
    method: string,
    path: string,
    body?: unknown,
    more: Record<string, string> = {},
  ): Promise<ClientResponse> => {
    const response = await gateway.send({
      method,
      path,
      headers: { ...bearer(gateway.keys.admin_key), ...more },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    check(method, path, response);
    covered.add(`${method} ${response.status}`);
    return response;
  };
  const etag = async (path: string): Promise<Record<string, string>> => ({
    'if-match': String((await send('GET', path)).headers.etag),
  });

  it('matches the document for customers, keys and contacts', async () => {
    await send('POST', '/v1/customers', { slug: 'fits', cost_budget_daily: 5, preferred_providers: ['openai'] });
    await send('POST', '/v1/customers', { slug: 'fits', cost_budget_daily: 5, preferred_providers: ['openai'] });
    await send('POST', '/v1/customers', { slug: 'fits' });
    await send('POST', '/v1/customers?dry_run=true', { slug: 'dry' });
    await send('PATCH', '/v1/customers/fits', { name: 'Fits' }, await etag('/v1/customers/fits'));
    await send('PATCH', '/v1/customers/fits', { name: 'Fits' });
    await send('PATCH', '/v1/customers/fits', { name: 'Fits' }, { 'if-match': '"0"' });
    await send('PUT', '/v1/customers/fits', { webhook_url: 'https://x.example' }, await etag('/v1/customers/fits'));
    await send('PUT', '/v1/customers/made-by-put', {});
    await send('GET', '/v1/customers?sort=-created_at&fields=slug,name');
    await send('GET', '/v1/customers?after=a&limit=1');
    await send('GET', '/v1/customers/fits/history');
    await send('DELETE', '/v1/customers/fits');
    const { 'if-match': known } = await etag('/v1/customers/fits');
    await send('GET', '/v1/customers/fits', undefined, { 'if-none-match': known! });
    await send('POST', '/v1/api-keys', {
      customer: 'acme',
      name: 'x',
      allowed_ips: ['::1'],
      expires_at: '2030-01-01T00:00:00Z',
    });
    await send('GET', `/v1/api-keys/${api_key}`);
    await send('GET', `/api-keys/${api_key}`);
    await send('POST', '/api-keys', { customer: 'acme', name: 'bare' });
    await send('GET', `/v1/api-keys/${api_key}/history`);
    await send('PATCH', `/v1/api-keys/${api_key}`, { name: 'y' }, { 'if-match': '*' });
    await send('DELETE', `/v1/api-keys/${api_key}`);
    await send('PATCH', `/v1/api-keys/${api_key}`, { name: 'z' }, { 'if-match': '*' });
    await send('PUT', '/v1/customers/acme/contact', { legal_name: 'Acme' });
    await send('GET', '/v1/customers/acme/contact');
    await send('GET', '/v1/customers/acme/contact/history');
    await send('GET', '/v1/customers/nobody/contact');
  });

  it('matches the document for provider keys, prices and deployments', async () => {
    const key = `/v1/customers/acme/provider-keys/${provider_key}`;
    await send('GET', '/v1/customers/acme/provider-keys');
    await send('GET', key);
    await send('PATCH', key, { fallback: 'platform' }, await etag(key));
    await send('POST', `${key}/validate`);
    await send('GET', `${key}/history`);
    await send('DELETE', key);
    await send('POST', `${key}/validate`);
    const price = '/v1/customers/acme/prices/openai/gpt-4.1';
    await send('PUT', price, { tiers: TIERS, agreement: 'C-1' });
    await send('PUT', price, { tiers: TIERS, applied_from: '2031-01-01T00:00:00Z' }, await etag(price));
    await send('GET', '/v1/customers/acme/prices');
    await send('GET', `${price}/history`);
    await send('DELETE', `${price}?applied_from=2030-01-01T00:00:00Z`);
    await send('DELETE', price);
    await send('POST', '/v1/deployments', { provider: 'vllm', model: 'own/model', tiers: TIERS });
    const deployment = '/v1/deployments/vllm/own%2Fmodel';
    const changed = await send('PATCH', deployment, { output_price: 3, input_price: 1 }, await etag(deployment));
    assert.equal(changed.status, 200, changed.text);
    const states = dataOf<{ tiers: object[] }[]>(await send('GET', `${deployment}/history`));
    assert.deepEqual(
      states.map(({ tiers }) => tiers.length),
      [2, 1],
    );
    await send('GET', '/v1/deployments?per_page=200');
    await send('DELETE', deployment);
  });

  it('matches the document for evidence', async () => {
    const { request_id } = await gateway.chat({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'x' }] });
    await gateway.drain();
    await send('GET', `/v1/requests/${request_id}`);
    await send('GET', '/v1/vault/entities');
    await send('GET', '/v1/vault/tenant_s/demo');
    await send('GET', '/v1/vault/tenant_s/demo/history');
    await send('GET', '/v1/vault/tenant_s/nobody');
    const held = dataOf<{ id: string }>(await send('POST', '/v1/privacy/holds', { subject: 'acme', reason: 'case' }));
    await send('GET', '/v1/privacy/holds');
    await send('GET', `/v1/privacy/holds/${held.id}`);
    await send('POST', '/v1/privacy/erasures', { subject: 'acme', reason: 'asked' });
    await send('DELETE', `/v1/privacy/holds/${held.id}?reason=settled`);
    await send('DELETE', `/v1/privacy/holds/${held.id}`);
    await send('GET', `/v1/privacy/holds/${held.id}/history`);
    const erased = await send('POST', '/v1/privacy/erasures', { subject: 'acme', reason: 'asked' });
    const { id } = dataOf<{ id: string }>(erased);
    await send('GET', `/v1/privacy/erasures/${id}`);
    await send('GET', `/v1/privacy/erasures/${id}/proof`);
    await send('GET', '/v1/privacy/exports/acme');
    for (const path of ['checkpoint', 'keys', 'consistency?from=0', 'events', 'entries', `proof/${request_id}`]) {
      await send('GET', `/v1/audit/${path}`);
    }
    await send('GET', '/v1/audit/events?colour=red');
    await send('GET', '/v1/audit/events', undefined, { accept: 'application/vnd.onevault.v7+json' });
    await send('GET', '/v1/customers/nobody', undefined, { accept: 'application/problem+json' });
    await send('GET', '/health/dependencies');
  });

  it('is tested with each important status', () => {
    for (const each of [
      'POST 200',
      'POST 201',
      'POST 409',
      'PUT 201',
      'PATCH 412',
      'PATCH 428',
      'PATCH 409',
      'GET 304',
    ]) {
      assert.ok(covered.has(each), each);
    }
  });
});
