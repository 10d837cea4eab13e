import assert from 'node:assert/strict';
import { FILE, formOf, transcribe } from '../../support/audio.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { bearer, type ClientResponse, errorOf, until } from '../../support/http.ts';
import { openRealtime } from '../../support/realtime.ts';
import { restate } from '../../support/restate.ts';

/** A call of each capability. */
const CALLS: Readonly<Record<string, (gateway: TestGateway, model: string, key: string) => Promise<ClientResponse>>> = {
  chat: ({ chat }, model, key) => chat({ model, max_tokens: 1, messages: [{ role: 'user', content: 'Hi' }] }, key),
  embeddings: ({ post }, model, key) => post('/v1/embeddings', { model, input: 'Hi' }, key),
  images: ({ post }, model, key) => post('/v1/images/generations', { model, prompt: 'A cat' }, key),
  speech: ({ post }, model, key) => post('/v1/audio/speech', { model, input: 'Hi', voice: 'alloy' }, key),
  transcription: (gateway, model, api_key) =>
    transcribe(gateway, { body: formOf([FILE, { name: 'model', content: model }]), api_key }),
};

describe('GET /v1/models', () => {
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  const get = (path: string, api_key = gateway.keys.api_key) => gateway.send({ path, headers: bearer(api_key) });

  it("lists the models that the caller may use, in the form of OpenAI's SDK", async () => {
    const { data } = await gateway.openai().models.list();
    const names = data.map(({ id }) => id);
    assert.ok(names.includes('gpt-4o-mini') && names.includes('claude-haiku-4-5'));
    assert.equal(new Set(names).size, names.length);
    for (const model of data) assert.deepEqual(Object.keys(model), ['id', 'object', 'created', 'owned_by']);
  });

  it('lists only models that a call finds', async () => {
    const { data } = (await get('/v1/ai/models')).json as { data: { id: string; capabilities: string[] }[] };
    const listed = (await gateway.openai().models.list()).data.map(({ id }) => id);
    assert.deepEqual(
      data.map(({ id }) => id),
      listed,
    );
    // Only customers that allow unpriced calls may use a model without a price.
    const { key } = await gateway.newCustomer({ slug: 'careless', unpriced_policy: 'allow' });
    for (const { id, capabilities } of data) {
      if (capabilities.includes('realtime')) {
        const path = `/v1/realtime?model=${id}`;
        await (await openRealtime({ url: gateway.url, api_key: gateway.keys.api_key, path })).close();
        continue;
      }
      const response = await CALLS[capabilities[0]!]!(gateway, id, key);
      assert.equal(response.status, 200, id);
    }
  });

  it('lists capabilities, limits and providers of each model in the unified form', async () => {
    const { data } = (await get('/v1/ai/models')).json as { data: { id: string }[] };
    assert.deepEqual(
      data.find(({ id }) => id === 'text-embedding-3-small'),
      {
        id: 'text-embedding-3-small',
        object: 'ai.model',
        capabilities: ['embeddings'],
        context_window_tokens: 8_192,
        max_output_tokens: null,
        providers: ['openai'],
      },
    );
    assert.equal(errorOf(await gateway.get('/v1/ai/models')).code, 'missing_api_key');
  });

  it('returns one model by its name', async () => {
    const model = await gateway.openai().models.retrieve('claude-haiku-4-5');
    assert.equal(model.id, 'claude-haiku-4-5');
    assert.equal(model.owned_by, 'anthropic');
  });

  it('names as owner a provider that serves the model now', async () => {
    const { data } = await gateway.openai().models.list();
    const listed = data.find(({ id }) => id === 'gpt-4o');
    const shown = await gateway.openai().models.retrieve('gpt-4o');
    assert.deepEqual([listed?.owned_by, shown.owned_by], ['openai', 'openai']);
  });

  it('returns 404 for an unknown model, whatever its name', async () => {
    for (const name of ['gpt-zero', '__proto__', '%00', '%', '%E0%A4%A', 'a'.repeat(5_000)]) {
      const response = await get(`/v1/models/${name}`);
      assert.equal(response.status, 404, name);
      assert.equal(errorOf(response).code, 'model_not_found');
    }
  });

  it("requires a customer's API key", async () => {
    assert.equal(errorOf(await gateway.get('/v1/models')).code, 'missing_api_key');
    assert.equal(errorOf(await get('/v1/models', 'sk_wrong')).code, 'invalid_api_key');
    assert.equal((await get('/v1/models', gateway.keys.admin_key)).status, 403);
    assert.equal((await get('/v1/models/gpt-4o', 'sk_wrong')).status, 401);
  });

  it('omits a provider that is switched off, and so do calls', async () => {
    const { control } = gateway;
    const provider_hk = control.rows.hubKey('ai_provider_h', { provider_bk: 'anthropic' });
    await restate(control, 'ai_provider_s', provider_hk, { is_active: false });
    const { data } = await gateway.openai().models.list();
    assert.ok(data.every(({ owned_by }) => owned_by !== 'anthropic'));
    const response = await gateway.chat({
      model: 'claude-haiku-4-5',
      messages: [{ role: 'user', content: 'Hi' }],
    });
    assert.equal(errorOf(response).code, 'model_not_found');
  });
});

describe('a refused key in a request for the model list', () => {
  it('is written to the audit log, because there is no call record', async () => {
    const gateway = await startTestGateway({ audit: { window_ms: 50 } });
    try {
      const { key } = await gateway.newCustomer({ slug: 'shut' });
      await gateway.admin('PATCH', '/customers/shut', { status: 'SUSPENDED' });
      const get = (path: string, api_key: string) => gateway.send({ path, headers: bearer(api_key) });
      assert.equal((await get('/v1/models/somebody@example.com', key)).status, 403);
      for (const path of ['/v1/models', '/v1/models/gpt-4o', '/v1/ai/models', '/v1beta/models']) {
        assert.equal((await get(path, 'sk_wrong')).status, 401, path);
      }
      const audited = () => gateway.database.sql<
        { actor_kind: string; reason: string; times: number; first: string }[]
      >`
        select s.actor_kind, s.reason, sum(s.event_count)::integer as times, min(s.subject) as first
        from audit.audit_event_s_current s
        where s.action = 'login.fail'
        group by s.actor_kind, s.reason
        order by s.actor_kind`;
      await until(async () => (await audited()).some(({ times }) => times === 4), 'all refusals are in the audit log');
      assert.deepEqual(
        [...(await audited())],
        [
          { actor_kind: 'customer', reason: 'forbidden', times: 1, first: 'GET /v1/models/:model' },
          { actor_kind: 'unknown', reason: 'invalid_api_key', times: 4, first: 'GET /v1/models' },
        ],
      );
    } finally {
      await gateway.close();
    }
  });
});
