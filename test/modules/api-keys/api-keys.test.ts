import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { startSnapshotWatcher } from '../../../src/catalog/snapshot-watcher.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLog } from '../../../src/core/log.ts';
import { connect } from '../../../src/postgres/connect.ts';
import { testRegistry } from '../../support/calls.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { dataOf, errorOf, nextOf, until } from '../../support/http.ts';

interface KeyBody {
  readonly id: string;
  readonly key?: string;
  readonly key_prefix: string;
  readonly status: string;
  readonly expires_at: string | null;
  readonly [field: string]: unknown;
}

const HELLO = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] };

describe('the resource /api-keys', () => {
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway();
    await gateway.newCustomer({ slug: 'acme' });
  });
  after(() => gateway.close());

  const create = (input: object = {}) => gateway.admin('POST', '/api-keys', { customer: 'acme', name: 'ci', ...input });

  it('creates a key that works at once, and shows it only once', async () => {
    const made = await create();
    assert.equal(made.status, 201);
    const { key, ...shown } = made.json as KeyBody;
    assert.match(key!, /^sk_[\w-]{43}$/);
    assert.equal(shown.key_prefix, key!.slice(0, 8));
    assert.equal(shown.status, 'ACTIVE');
    assert.equal((await gateway.chat(HELLO, key)).status, 200);
    const again = await gateway.admin('GET', `/api-keys/${shown.id}`);
    assert.deepEqual(again.json, shown);
    const list = await gateway.admin('GET', '/api-keys?customer=acme');
    for (const { text } of [again, list]) assert.ok(!text.includes(key!.slice(8)));
  });

  it('stores only the SHA-256 of a key anywhere in the vault', async () => {
    const { key, id } = (await create()).json as KeyBody;
    const [row] = await gateway.database.sql<{ key_sha256: string; whole: string }[]>`
      select s.key_sha256, s::text as whole
      from auth.api_key_s s
      join auth.api_key_h h using (api_key_hk)
      where h.api_key_bk = ${id}`;
    assert.equal(row!.key_sha256, hash('sha256', key!));
    assert.ok(!row!.whole.includes(key!.slice(8)));
  });

  it('creates a new key each time', async () => {
    const [first, second] = [(await create()).json as KeyBody, (await create()).json as KeyBody];
    assert.notEqual(first.key, second.key);
    assert.notEqual(first.id, second.id);
  });

  it('revokes a key at once, and a second revocation changes nothing', async () => {
    const { key, id } = (await create()).json as KeyBody;
    assert.equal((await gateway.chat(HELLO, key)).status, 200);
    const revoked = await gateway.admin('DELETE', `/api-keys/${id}`);
    assert.equal(revoked.status, 200);
    assert.equal(dataOf<KeyBody>(revoked).status, 'REVOKED');
    assert.equal(errorOf(await gateway.chat(HELLO, key)).code, 'revoked_api_key');
    const again = await gateway.admin('DELETE', `/api-keys/${id}`);
    assert.deepEqual(dataOf(again), dataOf(revoked));
    const [row] = await gateway.database.sql<{ rows: number }[]>`
      select count(*) as rows
      from auth.api_key_s s
      join auth.api_key_h h using (api_key_hk)
      where h.api_key_bk = ${id}`;
    assert.equal(row!.rows, 2, 'one row for each of its states');
  });

  it('notifies another process of a new and of a revoked key within a second', async () => {
    const sql = connect(gateway.database.url);
    const other = await startSnapshotWatcher({ sql, clock: systemClock, registry: testRegistry(), log: silentLog });
    try {
      const { key, id } = (await create()).json as KeyBody;
      const known = () => other.current().api_keys.get(hash('sha256', key!));
      const made_ms = performance.now();
      await until(() => known() !== undefined, 'the other process knows the key');
      assert.ok(performance.now() - made_ms < 1_000);
      assert.equal(known()?.is_revoked, false);
      await gateway.admin('DELETE', `/api-keys/${id}`);
      const revoked_ms = performance.now();
      await until(() => known()?.is_revoked === true, 'the other process knows that it was revoked');
      assert.ok(performance.now() - revoked_ms < 1_000);
    } finally {
      await other.close();
      await sql.end();
    }
  });

  it('returns the expiry in UTC, and accepts addresses and a rate limit for the key', async () => {
    const made = await create({
      expires_at: '2030-01-31T01:00:00+02:00',
      allowed_ips: ['127.0.0.1', '2001:DB8:0:0:0:0:0:1'],
      rate_limit_requests_per_minute: 5,
    });
    const body = made.json as KeyBody;
    assert.equal(body.expires_at, '2030-01-30T23:00:00.000Z');
    assert.deepEqual(body.allowed_ips, ['127.0.0.1', '2001:db8::1']);
    assert.equal(body.rate_limit_requests_per_minute, 5);
    assert.equal((await gateway.chat(HELLO, body.key)).headers['ratelimit-limit'], '5');
  });

  it('lists keys by age in pages, of one customer or of all', async () => {
    await gateway.newCustomer({ slug: 'lister' });
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      ids.push(((await create({ customer: 'lister' })).json as KeyBody).id);
    }
    const paged: string[] = [];
    let path: string | null = '/api-keys?customer=lister&limit=3';
    while (path !== null) {
      const page = await gateway.admin('GET', path);
      paged.push(...dataOf<KeyBody[]>(page).map(({ id }) => id));
      path = nextOf(page);
    }
    assert.deepEqual(paged.slice(1), ids);
    const all = (await gateway.admin('GET', '/api-keys')).json as { data: KeyBody[] };
    assert.ok(all.data.length > paged.length);
    const none = (await gateway.admin('GET', '/api-keys?customer=nobody')).json as { data: KeyBody[] };
    assert.deepEqual(none.data, []);
  });

  const HOSTILE: readonly (readonly [input: object, param: string])[] = [
    [{ customer: undefined }, 'customer'],
    [{ customer: 'nobody' }, 'customer'],
    [{ customer: 'unknown' }, 'customer'],
    [{ customer: 'a\0' }, 'customer'],
    [{ customer: '__proto__' }, 'customer'],
    [{ customer: "' or 1=1 --" }, 'customer'],
    [{ customer: 'a'.repeat(10_000) }, 'customer'],
    [{ name: '' }, 'name'],
    [{ name: 'a\0' }, 'name'],
    [{ name: '\ud800' }, 'name'],
    [{ name: 'a'.repeat(10_000) }, 'name'],
    [{ expires_at: 'tomorrow' }, 'expires_at'],
    [{ expires_at: '2026-02-30T00:00:00Z' }, 'expires_at'],
    [{ expires_at: '2016-12-31T23:59:60Z' }, 'expires_at'],
    [{ expires_at: '0000-01-01T00:00:00Z' }, 'expires_at'],
    [{ expires_at: '9999-12-31T23:59:59-23:59' }, 'expires_at'],
    [{ expires_at: 7 }, 'expires_at'],
    [{ allowed_ips: ['localhost'] }, 'allowed_ips[0]'],
    [{ allowed_ips: ['1.2.3.4/8'] }, 'allowed_ips[0]'],
    [{ rate_limit_requests_per_minute: 1e300 }, 'rate_limit_requests_per_minute'],
    [{ scopes: ['admin'] }, 'scopes'],
    [{ scopes: ['auditor'] }, 'scopes'],
    [{ scopes: [] }, 'scopes'],
    [{ scopes: ['calls', 'admin'] }, 'scopes'],
    [{ scopes: ['root'] }, 'scopes[0]'],
    [{ scopes: 'admin' }, 'scopes'],
    [{ customer: null }, 'customer'],
  ];
  for (const [input, param] of HOSTILE) {
    it(`refuses ${JSON.stringify(input).slice(0, 80)} and names the field`, async () => {
      const response = await create(input);
      assert.equal(response.status, 422, response.text);
      assert.equal(errorOf(response).code, 'validation_error');
      assert.equal(errorOf(response).param, param);
    });
  }

  it('returns 404 for an unknown key, whatever its id', async () => {
    for (const id of ['x', 'unknown', '%00', '00000000-0000-7000-8000-000000000000', "'--", 'a'.repeat(5_000)]) {
      for (const method of ['GET', 'DELETE']) {
        assert.equal((await gateway.admin(method, `/api-keys/${id}`)).status, 404, `${method} ${id}`);
      }
    }
  });

  it('lists the keys of any named customer, and refuses a name that is not text', async () => {
    const either = dataOf<KeyBody[]>(await gateway.admin('GET', '/api-keys?customer=lister&customer=nobody'));
    assert.ok(either.length > 0 && either.every(({ customer }) => customer === 'lister'));
    assert.equal((await gateway.admin('GET', '/api-keys?customer=%00')).status, 400);
  });
});
