import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { instantOf } from '../../../src/core/clock.ts';
import type { EntityEntry } from '../../../src/vault/dictionary.ts';
import { GHOST_KEY } from '../../../src/vault/entity.ts';
import type { Content } from '../../../src/vault/rows.ts';
import { writeVault } from '../../../src/vault/write.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { bearer, type ClientResponse, dataOf, errorOf } from '../../support/http.ts';

interface Answer {
  readonly entity: string;
  readonly kind: string;
  readonly business_key: Record<string, string>;
  readonly hash_key: string;
  readonly applied: string;
  readonly known: string;
  readonly withheld: string[];
  readonly rows: Record<string, unknown>[];
}

describe('the vault over HTTP', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  const read = async (path: string): Promise<Answer> => {
    const response = await gateway.admin('GET', `/vault/${path}`);
    assert.equal(response.status, 200, response.text);
    return dataOf<Answer>(response);
  };
  const refused = async (path: string, status: number, param: string, details: RegExp): Promise<void> => {
    const response = await gateway.admin('GET', `/vault/${path}`);
    const error = errorOf(response);
    assert.deepEqual([response.status, error.param], [status, param], response.text);
    assert.match(error.details ?? '', details);
  };
  const say = async (tenant_bk: string, tenant_name: string, applied_date: string): Promise<string> =>
    writeVault(gateway.control.sql, gateway.control.clock, async (tx, load_date) => {
      const { rows, load } = gateway.control;
      const stamp = { load_date, applied_date, record_source: 'test' };
      const payload: Content<'tenant_s'> = { tenant_name, billing_entity: 'Test' };
      const tenant_hk = rows.hubKey('tenant_h', { tenant_bk });
      await load(tx, [
        rows.hub('tenant_h', { tenant_bk }, stamp),
        rows.satellite('tenant_s', tenant_hk, payload, stamp),
      ]);
      // The next stamp is a later one.
      await sleep(3);
      return load_date;
    });

  it('is open to administrators only', async () => {
    for (const path of ['/vault/entities', '/vault/tenant_s/demo', '/vault/tenant_s/demo/history']) {
      const responses: ClientResponse[] = [
        await gateway.get(path),
        await gateway.send({ path, headers: bearer(gateway.keys.api_key) }),
      ];
      assert.deepEqual(
        responses.map((response) => [response.status, errorOf(response).code]),
        [
          [401, 'authentication_required'],
          [403, 'insufficient_permissions'],
        ],
      );
    }
  });

  it('has a dictionary of every table and column, with keys, relations and privacy', async () => {
    const data = dataOf<EntityEntry[]>(await gateway.admin('GET', '/vault/entities?per_page=200'));
    const { registry } = gateway.control;
    assert.deepEqual(
      data.map(({ table, columns }) => [table, columns.map(({ name }) => name)]),
      [...registry.entities.values()].map(({ table, columns }) => [table, columns.map(({ name }) => name)]),
    );
    const entry = (table: string): EntityEntry => data.find((each) => each.table === table)!;
    const key = entry('api_key_s');
    assert.deepEqual([key.parent, key.flavour, key.privacy], ['api_key_h', 'state', 'confidential']);
    assert.deepEqual(entry('customer_tenant_effectivity_s').driving_key, ['customer_hk']);
    const sha = key.columns.find(({ name }) => name === 'key_sha256');
    assert.deepEqual(sha, {
      name: 'key_sha256',
      type: 'bytes',
      postgres_type: 'bytea',
      is_nullable: false,
      role: 'payload',
      is_in_primary_key: false,
      description: 'SHA-256 of the key. The key itself is shown once and never stored.',
      privacy: 'secret',
    });
    assert.deepEqual(entry('model_provider_l').hubs, ['model_h', 'ai_provider_h']);
    assert.deepEqual(entry('tenant_h').business_key, ['tenant_bk']);
    assert.ok(entry('model_provider_l').satellites?.includes('model_price_s'));
  });

  it('returns the state of an instant as known at an instant, and never another one later', async () => {
    const first = await say('bank', 'A', '2026-01-01T00:00:00.000Z');
    await say('bank', 'C', '2026-03-01T00:00:00.000Z');
    const nameAt = async (query: string): Promise<unknown> => {
      const { rows } = await read(`tenant_s/bank?${query}`);
      return rows[0]?.tenant_name;
    };
    const before = await nameAt(`applied=2026-02-15T00:00:00Z&known=${first}`);
    const late = await say('bank', 'B', '2026-02-01T00:00:00.000Z');
    assert.equal(before, 'A');
    assert.equal(await nameAt(`applied=2026-02-15T00:00:00Z&known=${first}`), 'A');
    assert.equal(await nameAt(`applied=2026-02-15T00:00:00Z&known=${late}`), 'B');
    assert.equal(await nameAt('applied=2026-02-15T00:00:00Z'), 'B');
    assert.equal(await nameAt(''), 'C');
    assert.equal(await nameAt('applied=2025-12-31T00:00:00Z'), undefined);
    const history = await read('tenant_s/bank/history');
    assert.deepEqual(
      history.rows.map(({ tenant_name, load_end_date }) => [tenant_name, load_end_date]),
      [
        ['A', '2026-02-01T00:00:00.000Z'],
        ['B', '2026-03-01T00:00:00.000Z'],
        ['C', null],
      ],
    );
  });

  it('returns the instants of its response, and the same response for them again', async () => {
    const now = await read('tenant_s/demo');
    assert.equal(now.applied, now.known);
    assert.ok(Date.now() - Date.parse(now.known) < 5_000);
    assert.deepEqual(await read(`tenant_s/demo?applied=${now.applied}&known=${now.known}`), now);
  });

  it('shows a hub and a link by business keys, and the ghost record as "unknown"', async () => {
    const hub = await read('tenant_h/demo');
    assert.deepEqual(
      [hub.kind, hub.business_key, hub.rows[0]?.tenant_bk, hub.rows[0]?.tenant_hk],
      ['hub', { tenant_bk: 'demo' }, 'demo', hub.hash_key],
    );
    const link = await read('model_provider_l/gpt-4o-mini,openai');
    assert.deepEqual(link.business_key, { model_bk: 'gpt-4o-mini', provider_bk: 'openai' });
    assert.equal(link.rows[0]?.model_provider_link_hk, link.hash_key);
    const price = await read('model_price_s/gpt-4o-mini,openai');
    assert.match(String(price.rows[0]?.input_price), /^\d+$/);
    const ghost = await read('tenant_h/unknown');
    assert.equal(ghost.hash_key, GHOST_KEY);
  });

  it('reads keys with separators, slashes and non-ASCII letters', async () => {
    for (const key of ['a,b', 'c/d', '50% ü ☃', 'e~f']) {
      await say(key, `name of ${key}`, '2026-01-01T00:00:00.000Z');
      const { rows, business_key } = await read(`tenant_s/${encodeURIComponent(key)}`);
      assert.deepEqual([business_key.tenant_bk, rows[0]?.tenant_name], [key, `name of ${key}`]);
    }
  });

  it('withholds secrets that would grant access', async () => {
    const { api_key, admin_key } = gateway.keys;
    const listed = (await gateway.admin('GET', '/api-keys')).json as { data: { id: string }[] };
    const text = (await gateway.admin('GET', `/vault/api_key_s/${listed.data[0]!.id}`)).text;
    const answer = (JSON.parse(text) as { data: Answer }).data;
    assert.deepEqual(answer.withheld, ['key_sha256']);
    assert.equal('key_sha256' in answer.rows[0]!, false);
    assert.ok('key_prefix' in answer.rows[0]!);
    assert.ok(![api_key, admin_key].some((key) => text.includes(key)));
    const history = await read(`api_key_s/${listed.data[0]!.id}/history`);
    assert.equal('key_sha256' in history.rows[0]!, false);
    assert.deepEqual((await read('customer_config_s/demo')).withheld, ['api_key_encrypted']);
  });

  it('shows a call only from the instant when it was loaded, although it is older', async () => {
    const { request_id } = await gateway.chat({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: 'Hi' }],
    });
    const path = `api_request_s/${request_id}`;
    await sleep(5);
    const unloaded = await gateway.admin('GET', `/vault/${path}`);
    assert.equal(unloaded.status, 404);
    const between = instantOf(Date.now());
    await sleep(5);
    await gateway.drain();
    assert.deepEqual((await read(`${path}?known=${between}`)).rows, []);
    assert.deepEqual((await read(`api_request_h/${request_id}?known=${between}`)).rows, []);
    const now = await read(path);
    assert.ok(String(now.rows[0]?.load_date) < between);
    assert.equal(now.rows[0]?.response_status, 'SUCCESS');
    assert.equal((await read(`${path}/history`)).rows.length, 1);
  });

  it('reports the fault of a path or an instant', async () => {
    await refused('nothing_s/demo', 404, 'entity', /no entity nothing_s; GET \/vault\/entities lists them/);
    await refused('tenant_s/nobody', 404, 'business_key', /tenant_h has no row for nobody/);
    await refused('tenant_s/nobody/history', 404, 'business_key', /tenant_h has no row for nobody/);
    await refused('model_price_s/gpt-4o-mini,nobody', 404, 'business_key', /model_provider_l has no row/);
    await refused(
      'model_price_s/gpt-4o-mini',
      400,
      'business_key',
      /found by model_h.model_bk, ai_provider_h.provider_bk: 2 parts, separated by commas .*; 1 came/,
    );
    await refused('tenant_s/a,b', 400, 'business_key', /1 part, .*; 2 came/);
    await refused('tenant_s/%00', 400, 'business_key', /NUL/);
    await refused('tenant_s/%ff', 400, 'business_key', /cannot be read/);
    await refused('tenant_h/demo/history', 400, 'entity', /a hub and never changes/);
    for (const wrong of ['yesterday', '2026-02-30T00:00:00Z', '2026-01-01', '']) {
      await refused(`tenant_s/demo?applied=${wrong}`, 400, 'applied', /one instant in UTC, as/);
      await refused(`tenant_s/demo?known=${wrong}`, 400, 'known', /one instant in UTC, as/);
    }
    await refused('tenant_s/demo?known=2026-01-01T00:00:00Z&known=2026-01-02T00:00:00Z', 400, 'known', /one/);
    await refused('tenant_s/demo?known=2999-01-01T00:00:00Z', 400, 'known', /not final yet: .* final up to \d{4}-/);
  });
});
