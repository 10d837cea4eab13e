import assert from 'node:assert/strict';
import { fixedClock } from '../../../src/core/clock.ts';
import type { Outcome } from '../../../src/http/outcome.ts';
import { connect } from '../../../src/postgres/connect.ts';
import { holdTransaction } from '../../../src/resources/idempotency/held-transaction.ts';
import {
  deriveKeys,
  findResponse,
  KEPT_MS,
  storeResponse,
} from '../../../src/resources/idempotency/stored-response.ts';
import { createTestDatabase } from '../../support/database.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { bearer, type ClientResponse, errorOf, until } from '../../support/http.ts';

// Node sends a header with two values twice.
const TWO_KEYS = ['a', 'b'] as unknown as string;

interface Write {
  readonly key?: string;
  readonly method?: string;
  readonly api_key?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

describe('a write of administration with an Idempotency-Key', () => {
  const clock = fixedClock('2026-11-21T10:00:00Z');
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway({ clock });
  });
  after(() => gateway.close());

  const write = (path: string, body: object | undefined, options: Write = {}): Promise<ClientResponse> => {
    const { key, method = 'POST', api_key = gateway.keys.admin_key, headers = {} } = options;
    return gateway.send({
      method,
      path,
      headers: { ...bearer(api_key), ...headers, ...(key === undefined ? {} : { 'idempotency-key': key }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  };
  const count = async (table: string): Promise<number> => {
    const [row] = await gateway.database.sql.unsafe<[{ count: number }]>(`select count(*) as count from ${table}`);
    return row.count;
  };
  const newAdmin = async (): Promise<string> => {
    const made = await gateway.admin('POST', '/v1/api-keys', { name: 'another', scopes: ['admin'] });
    return (made.json as { data: { key: string } }).data.key;
  };

  it('gets the first response again, byte by byte, and changes nothing', async () => {
    const first = await write('/v1/customers', { slug: 'once' }, { key: 'make once' });
    assert.equal(first.status, 201, first.text);
    assert.equal(first.headers['idempotent-replayed'], undefined);
    const before = await count('gateway.customer_config_s');
    clock.advance(1_000);
    const again = await write('/v1/customers', { slug: 'once' }, { key: 'make once' });
    assert.equal(again.status, 201);
    assert.equal(again.headers['idempotent-replayed'], 'true');
    assert.equal(again.text, first.text);
    assert.equal(again.headers.etag, first.headers.etag);
    assert.equal(again.headers.location, first.headers.location);
    assert.equal(await count('gateway.customer_config_s'), before);
    const [replayed] = await gateway.database.sql<[{ count: number }]>`
      select count(*) as count from audit.audit_event_s where action = 'customer.create_replay'`;
    assert.equal(replayed.count, 1);
  });

  it('takes a body with decimals, whose members may change places', async () => {
    const first = await write('/v1/customers', { slug: 'decimal', cost_budget_daily: 1.5 }, { key: 'decimals' });
    assert.equal(first.status, 201, first.text);
    const again = await write('/v1/customers', { cost_budget_daily: 1.5, slug: 'decimal' }, { key: 'decimals' });
    assert.equal(again.headers['idempotent-replayed'], 'true');
    const other = await write('/v1/customers', { slug: 'decimal', cost_budget_daily: 1.25 }, { key: 'decimals' });
    assert.equal(other.status, 422);
  });

  it('repeats the secret of a new API key to its maker and to nobody else', async () => {
    const body = { customer: 'demo', name: 'shown again' };
    const other = await newAdmin();
    const before = await count('auth.api_key_h');
    const first = await write('/v1/api-keys', body, { key: '1' });
    const again = await write('/v1/api-keys', body, { key: '1' });
    const { key } = (first.json as { data: { key: string } }).data;
    assert.match(key, /^sk_/);
    assert.equal(again.text, first.text);
    assert.equal(await count('auth.api_key_h'), before + 1);
    assert.equal(
      (await gateway.chat({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] }, key)).status,
      200,
    );
    const of_other = await write('/v1/api-keys', body, { key: '1', api_key: other });
    assert.equal(of_other.headers['idempotent-replayed'], undefined);
    assert.notEqual((of_other.json as { data: { key: string } }).data.key, key);
    const [{ stored }] = await gateway.database.sql<[{ stored: string }]>`
      select string_agg(t::text, '') as stored from ops.idempotent_response t`;
    for (const form of [key, Buffer.from(key).toString('hex')]) assert.ok(!stored.includes(form));
  });

  it('with another body, query or condition is refused', async () => {
    assert.equal((await write('/v1/customers', { slug: 'reused' }, { key: 'reused' })).status, 201);
    for (const [path, body, headers] of [
      ['/v1/customers', { slug: 'reused-2' }, {}],
      ['/v1/customers?version=1', { slug: 'reused' }, {}],
      ['/v1/customers', { slug: 'reused' }, { 'if-match': '"x"' }],
    ] as const) {
      const response = await write(path, body, { key: 'reused', headers });
      assert.equal(response.status, 422, response.text);
      assert.equal(errorOf(response).code, 'idempotency_key_reused');
      assert.equal(errorOf(response).errors?.[0]?.path, 'header.Idempotency-Key');
    }
  });

  it('belongs to one method and one path', async () => {
    const made = await write('/v1/customers', { slug: 'paths' }, { key: 'paths' });
    assert.equal(made.status, 201);
    assert.equal((await write('/v1/api-keys', { customer: 'paths', name: 'k' }, { key: 'paths' })).status, 201);
    const headers = { 'if-match': String(made.headers.etag ?? '*') };
    const changed = await write('/v1/customers/paths', { name: 'New' }, { key: 'paths', method: 'PATCH', headers });
    assert.equal(changed.status, 200, changed.text);
    assert.equal(changed.headers['idempotent-replayed'], undefined);
  });

  it('is refused with Retry-After while the first one is running', async () => {
    const { sql } = gateway.database;
    const locked = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const holder = sql.begin(async (tx) => {
      await tx`lock table gateway.customer_config_s in access exclusive mode`;
      locked.resolve();
      await released.promise;
    });
    await locked.promise;
    const first = write('/v1/customers', { slug: 'concurrent' }, { key: 'concurrent' });
    let second: ClientResponse | undefined;
    await until(async () => {
      const [{ waits }] = await sql<[{ waits: number }]>`select count(*) as waits from pg_locks where not granted`;
      return waits > 0;
    }, 'the first request waits for the lock');
    try {
      second = await write('/v1/customers', { slug: 'concurrent' }, { key: 'concurrent' });
    } finally {
      released.resolve();
      await holder;
    }
    assert.equal(second.status, 409);
    assert.equal(errorOf(second).reason, 'request_in_progress');
    assert.equal(second.headers['retry-after'], '1');
    assert.equal((await first).status, 201);
  });

  it('keeps neither the change nor the response if the response cannot be stored', async () => {
    const { sql } = gateway.database;
    await sql.unsafe('alter table ops.idempotent_response add constraint broken check (false) not valid');
    const failed = await write('/v1/customers', { slug: 'torn' }, { key: 'torn' });
    await sql.unsafe('alter table ops.idempotent_response drop constraint broken');
    assert.equal(failed.status, 500);
    assert.equal((await gateway.admin('GET', '/v1/customers/torn')).status, 404);
    assert.match(gateway.logged.splice(0).join(), /violates check constraint/);
    const again = await write('/v1/customers', { slug: 'torn' }, { key: 'torn' });
    assert.equal(again.status, 201);
    assert.equal(again.headers['idempotent-replayed'], undefined);
  });

  it('does not keep an error, and is executed again after 24 h', async () => {
    const body = { customer: 'not-yet', name: 'k' };
    assert.equal((await write('/v1/api-keys', body, { key: 'later' })).status, 422);
    assert.equal((await write('/v1/customers', { slug: 'not-yet' })).status, 201);
    const first = await write('/v1/api-keys', body, { key: 'later' });
    assert.equal(first.status, 201, first.text);
    clock.advance(86_399_999);
    assert.equal((await write('/v1/api-keys', body, { key: 'later' })).text, first.text);
    clock.advance(1);
    const next = await write('/v1/api-keys', body, { key: 'later' });
    assert.equal(next.status, 201);
    assert.notEqual(next.text, first.text);
    // What is older than 24 h is deleted by later writes.
    assert.equal(await count('ops.idempotent_response'), 1);
  });

  it('is refused with the name of the header if the key is empty, longer than 255 characters, not ASCII or sent twice', async () => {
    for (const key of ['', 'k'.repeat(300), 'clé', 'a\tb']) {
      const response = await write('/v1/customers', { slug: 'faulty' }, { key });
      assert.equal(response.status, 400, key);
      assert.equal(errorOf(response).errors?.[0]?.path, 'header.Idempotency-Key');
    }
    const doubled = await write('/v1/customers', { slug: 'faulty' }, { headers: { 'idempotency-key': TWO_KEYS } });
    assert.equal(doubled.status, 400);
    assert.equal(errorOf(doubled).errors?.[0]?.path, 'header.Idempotency-Key');
    assert.equal((await gateway.admin('GET', '/v1/customers/faulty')).status, 404);
    assert.equal((await write('/v1/customers', { slug: 'longest' }, { key: 'k'.repeat(255) })).status, 201);
  });
});

describe('a transaction that is held for a response', () => {
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway();
    await gateway.database.sql`create table public.held (n integer)`;
  });
  after(() => gateway.close());

  const seen = async (): Promise<number> => {
    const [row] = await gateway.database.sql<[{ count: number }]>`select count(*) as count from public.held`;
    return row.count;
  };

  it('shows its change to its own request alone until it commits', async () => {
    const held = holdTransaction(gateway.database.sql);
    await held.sql.begin((tx) => tx`insert into public.held values (1)`);
    const [own] = await held.sql<[{ count: number }]>`select count(*) as count from public.held`;
    assert.equal(own.count, 1);
    assert.equal(await seen(), 0);
    await held.sql.begin((tx) => tx`insert into public.held values (2)`);
    await held.commit();
    assert.equal(await seen(), 2);
  });

  it('undoes everything when it is rolled back, and passes on what its work throws', async () => {
    const before = await seen();
    const held = holdTransaction(gateway.database.sql);
    await held.sql.begin((tx) => tx`insert into public.held values (3)`);
    await held.rollback();
    const failing = holdTransaction(gateway.database.sql);
    await assert.rejects(failing.sql.begin((tx) => tx`insert into public.held values ('x')`));
    await failing.rollback();
    await holdTransaction(gateway.database.sql).commit();
    assert.equal(await seen(), before);
  });
});

describe('a stored response', () => {
  it('is stored and found, and old ones are deleted, with the rights of the role that serves requests', async () => {
    const database = await createTestDatabase();
    const sql = connect(database.url, { role: 'onevault_gateway', max_connections: 1 });
    try {
      const keysOf = (idempotency_key: string) =>
        deriveKeys({ idempotency_key, api_key: 'sk' }, { caller: 'administrator/a', method: 'POST', path: '/v1/x' });
      const at_ms = Date.parse('2026-11-21T10:00:00Z');
      const stored = { request_hash: 'h', at_ms, outcome: { status: 201 } as unknown as Outcome };
      await storeResponse(sql, keysOf('old'), stored);
      const later = { ...stored, at_ms: at_ms + KEPT_MS };
      await storeResponse(sql, keysOf('new'), later);
      assert.deepEqual(await findResponse(sql, keysOf('new'), later.at_ms), later);
      const [{ kept }] = await sql<[{ kept: number }]>`select count(*) as kept from ops.idempotent_response`;
      assert.equal(kept, 1);
    } finally {
      await sql.end();
      await database.drop();
    }
  });
});
