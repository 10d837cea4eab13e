import assert from 'node:assert/strict';
import fc from 'fast-check';
import { connect, type Sql } from '../../src/postgres/connect.ts';
import type { Content, VaultRow } from '../../src/vault/rows.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  callRows,
  contentOf,
  invoiceLine,
  newLoader,
  rows,
  stamp,
  tenant,
  tenantKey,
  tenantRows,
} from './vault-fixture.ts';

const PROPERTY_RUNS = 15;

describe("the vault's loader", () => {
  let database: TestDatabase;
  let sql: Sql;
  const load = newLoader();
  before(async () => {
    database = await createTestDatabase();
    sql = database.sql;
  });
  after(() => database.drop());

  it('counts the given rows and the new ones', async () => {
    const given = [...tenantRows('counted', 'Counted', stamp(1)), ...tenantRows('counted', 'Recounted', stamp(2))];
    const first = await load(sql, given);
    assert.deepEqual(first, {
      tables: { tenant_h: { given: 2, inserted: 1 }, tenant_s: { given: 2, inserted: 2 } },
      refused: 0,
    });
    const again = await load(sql, given);
    assert.deepEqual(again.tables, {
      tenant_h: { given: 2, inserted: 0 },
      tenant_s: { given: 2, inserted: 0 },
    });
    assert.deepEqual(await load(sql, []), { tables: {}, refused: 0 });
  });

  it('stores every value of every type unchanged', async () => {
    const [, , outcome, route] = callRows(7, {
      user_agent: 'quotes " and \\ back, {braces}, NULL, \u{1f600}\n\u0001',
      error_message: '',
      compliance_flags: ['PHI', 'a,b', '{"', '', 'NULL', '\\'],
      customer_cost: '123456789012345678901234567890.5',
      request_bytes: Number.MAX_SAFE_INTEGER,
      request_timestamp: '2026-11-21T09:59:59.123456Z',
    });
    await load(sql, [outcome!, route!]);
    const key = outcome!.values.api_request_hk as string;
    const [stored] = await sql`select * from gateway.api_request_s where api_request_hk = ${key}`;
    assert.deepEqual({ ...stored }, outcome!.values);
    const [stored_route] = await sql`select * from gateway.api_request_route_s where api_request_hk = ${key}`;
    assert.deepEqual({ ...stored_route }, route!.values);
  });

  it('writes all or nothing in the given transaction', async () => {
    await assert.rejects(
      sql.begin(async (tx) => {
        await load(tx, tenantRows('undone', 'Undone', stamp(1)));
        throw new Error('changed my mind');
      }),
      /changed my mind/,
    );
    assert.equal((await sql`select from auth.tenant_h where tenant_bk = 'undone'`).length, 0);
  });

  it('writes the same tables whatever the order, the batches, the repetitions and the number of loaders', async () => {
    const names = fc.constantFrom('A', 'B', 'C');
    const second = fc.integer({ min: 0, max: 5 });
    const facts = fc.array(fc.tuple(fc.constantFrom('x', 'y'), names, second, second), {
      minLength: 1,
      maxLength: 25,
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        facts,
        fc.integer({ min: 1, max: 4 }),
        fc.infiniteStream(fc.nat()),
        async (facts, loaders, random) => {
          run += 1;
          const tenants = facts.map(([tenant_bk]) => `p${run}-${tenant_bk}`);
          const given = facts.flatMap(([, name, at, applied], place) =>
            tenantRows(tenants[place]!, name, stamp(at, applied)),
          );
          const repeated = [...given, ...given.filter((_, at) => at % 3 === 0)];
          const shuffled = repeated
            .map((row) => ({ row, order: random.next().value }))
            .sort((a, b) => a.order - b.order)
            .map(({ row }) => row);
          const shares = Array.from({ length: loaders }, (_, at) =>
            shuffled.filter((__, place) => place % loaders === at),
          );
          await Promise.all(shares.map((share) => newLoader()(sql, share)));

          // The model: a satellite is the set of the given rows.
          const expected = new Set(
            facts.map(([, name, at, applied], place) => `${tenants[place]} ${name} ${at} ${applied}`),
          );
          const stored = await sql<{ fact: string }[]>`
          select h.tenant_bk || ' ' || s.tenant_name || ' ' || extract(second from s.load_date)::integer
            || ' ' || extract(second from s.applied_date)::integer as fact
          from auth.tenant_h h
          join auth.tenant_s s using (tenant_hk)
          where h.tenant_bk like ${`p${run}-%`}`;
          assert.deepEqual(stored.map(({ fact }) => fact).toSorted(), [...expected].toSorted());
        },
      ),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it('writes each call once from eight concurrent loaders, into a day without a partition', async () => {
    const calls = Array.from({ length: 60 }, (_, number) => callRows(100_000 + number)).flat();
    const later = calls.map((row): VaultRow => {
      const values = {
        ...row.values,
        load_date: String(row.values.load_date).replace('2026-11-21', '2031-02-28'),
      };
      return { table: row.table, values };
    });
    const pool = connect(database.url, { max_connections: 8 });
    try {
      const results = await Promise.all(
        Array.from({ length: 8 }, (_, at) => newLoader()(pool, [...later.slice(at * 17), ...later.slice(0, at * 17)])),
      );
      for (const table of ['api_request_h', 'api_request_l', 'api_request_s', 'api_request_route_s']) {
        const inserted = results.reduce((sum, result) => sum + result.tables[table]!.inserted, 0);
        assert.equal(inserted, 60, table);
      }
    } finally {
      await pool.end();
    }
    const [partition] = await sql`select count(*) as rows from gateway.api_request_s_p20310228`;
    assert.equal(partition!.rows, 60);
  });

  it('creates a partition again after the transaction that created it was rolled back', async () => {
    const moved = callRows(5).map((row) => ({
      table: row.table,
      values: { ...row.values, load_date: '2032-02-29T12:00:00.000Z' },
    }));
    const own = newLoader();
    await assert.rejects(
      sql.begin(async (tx) => {
        await own(tx, moved);
        await own(tx, moved);
        throw new Error('rolled back');
      }),
    );
    await own(sql, moved);
    const [found] = await sql`select count(*) as rows from gateway.api_request_h_p20320229`;
    assert.equal(found!.rows, 1);
  });

  it('writes the same tables after an interruption at any statement', async () => {
    const calls = Array.from({ length: 5 }, (_, number) => callRows(200_000 + number)).flat();
    const tables = ['api_request_h', 'api_request_l', 'api_request_s', 'api_request_route_s'];
    for (let statement = 1; statement <= tables.length; statement++) {
      let sent = 0;
      await assert.rejects(
        sql.begin((tx) => {
          const cut = new Proxy(tx, {
            get: (target, name) =>
              name === 'unsafe'
                ? (...given: Parameters<typeof tx.unsafe>) => {
                    sent += 1;
                    return sent === statement ? Promise.reject(new Error('cut')) : target.unsafe(...given);
                  }
                : Reflect.get(target, name),
          });
          return load(cut, calls);
        }),
        /cut/,
      );
      const [left] =
        await sql`select count(*) as rows from gateway.api_request_h where api_request_bk like '%-0000002%'`;
      assert.equal(left!.rows, 0);
    }
    await load(sql, calls);
    const once = await contentOf(sql, tables);
    await load(sql, calls.toReversed());
    assert.deepEqual(await contentOf(sql, tables), once);
  });

  describe('given faulty rows', () => {
    const good = tenantRows('beside', 'Beside', stamp(1));
    const satellite = rows.satellite('tenant_s', tenantKey('beside'), tenant('x'), stamp(1));
    const customerHub = rows.hub('customer_h', { customer_bk: 'beside' }, stamp(1));
    const wrong: [string, VaultRow, RegExp][] = [
      ['an unknown table', { table: 'nothing_h', values: { a: 1 } }, /no such table/],
      ['a NUL character', { ...satellite, values: { ...satellite.values, tenant_name: 'a\0b' } }, /tenant_name/],
      ['a lone surrogate', { ...satellite, values: { ...satellite.values, tenant_name: 'a\ud800' } }, /tenant_name/],
      [
        'text that is too long',
        { ...satellite, values: { ...satellite.values, tenant_name: 'a'.repeat(256) } },
        /tenant_name/,
      ],
      [
        'a hub without its business key',
        { table: 'customer_h', values: { ...customerHub.values, customer_bk: undefined } },
        /customer_bk/,
      ],
      [
        'an empty business key',
        { table: 'customer_h', values: { ...customerHub.values, customer_bk: '' } },
        /customer_bk/,
      ],
      ['text where a number belongs', callRowWith({ prompt_tokens: '12' }), /prompt_tokens/],
      ['a number where text belongs', callRowWith({ request_type: 12 }), /request_type/],
      ['null in a required column', callRowWith({ http_status: null }), /http_status/],
      ['an unknown value', callRowWith({ response_status: 'SPLENDID' }), /response_status/],
      ['money below every range', callRowWith({ customer_cost: `-1${'0'.repeat(60)}` }), /customer_cost/],
      [
        'an instant past the calendar',
        callRowWith({ request_timestamp: '10000-01-01T00:00:00Z' }),
        /request_timestamp/,
      ],
      ['an invalid hash key', callRowWith({ api_request_hk: 'AB' }), /api_request_hk/],
      ['a row of a newer schema', callRowWith({ carbon_grams: 3 }), /carbon_grams/],
      ['a table of a newer schema', { table: 'api_request_carbon_s', values: { grams: 3 } }, /no such table/],
      ['a row that is not an object', { table: 'tenant_s', values: null as never }, /object/],
      ['a missing column', { table: 'tenant_s', values: { tenant_name: 'x' } }, /required/],
      ['an unknown column', { ...satellite, values: { ...satellite.values, extra: 1 } }, /extra/],
      [
        'a day that no calendar has',
        { ...satellite, values: { ...satellite.values, load_date: '2026-02-30T00:00:00Z' } },
        /load_date/,
      ],
      ['a number out of range', callRowWith({ prompt_tokens: 2 ** 31 }), /prompt_tokens/],
      ['money with an exponent', callRowWith({ customer_cost: '1e9' }), /customer_cost/],
      ['a bigint', { table: 'tenant_s', values: { tenant_name: 10n } }, /required/],
      ['a JSON value with a fraction', routeWith([{ score: 0.5 }]), /candidates\[0\]\.score/],
      ['a JSON value with a NUL', routeWith([{ 'a\0': '\udfff' }]), /candidates/],
      ['JSON without a bottom', routeWith(nested(500)), /deeper/],
    ];

    for (const [what, row, reason] of wrong) {
      it(`keeps ${what} in ops.load_error and loads the other rows`, async () => {
        const result = await load(sql, [good[0]!, row, good[1]!]);
        assert.equal(result.refused, 1);
        assert.equal(result.tables.tenant_h!.given, 1);
        const [error] = await sql<{ reason: string; table_name: string; parsed: unknown }[]>`
          select table_name, reason, record::jsonb as parsed
          from ops.load_error
          where reason ~ ${reason.source} and table_name = ${row.table}
          order by refused_at desc
          limit 1`;
        assert.ok(error);
        assert.equal(typeof error.parsed, 'object');
      });
    }

    describe('that conflict with an existing row', () => {
      const CONFLICT_REASON = 'another row stands under its key and says something else';
      const refusedCalls = (number: number) => sql<{ tokens: number }[]>`
        select (record::jsonb ->> 'prompt_tokens')::integer as tokens
        from ops.load_error
        where reason = ${CONFLICT_REASON} and record::jsonb ->> 'journal_sequence' = ${String(number + 1)}
        order by 1`;

      it('keeps each of them in ops.load_error, in one batch or several, and the first row in its table', async () => {
        const conflicts = [1, 2, 3].map((tokens) => callRows(300_100, { prompt_tokens: tokens })[2]!);
        const result = await load(sql, [conflicts[0]!, conflicts[1]!]);
        assert.equal(result.refused, 1);
        assert.equal((await load(sql, [conflicts[2]!])).refused, 1);
        assert.equal((await load(sql, conflicts)).refused, 2);
        const stored = await sql<{ tokens: number }[]>`
          select prompt_tokens as tokens
          from gateway.api_request_s
          where api_request_hk = ${conflicts[0]!.values.api_request_hk as string}`;
        assert.deepEqual(
          [...stored, ...(await refusedCalls(300_100))].map(({ tokens }) => tokens).toSorted(),
          [1, 2, 3],
        );
        assert.equal(stored.length, 1);
      });

      it('loses none of them when eight loaders run at once', async () => {
        const conflicts = Array.from({ length: 8 }, (_, tokens) => callRows(300_200, { prompt_tokens: tokens })[2]!);
        const pool = connect(database.url, { max_connections: 8 });
        await Promise.all(conflicts.map((row) => newLoader()(pool, [row]))).finally(() => pool.end());
        assert.equal((await refusedCalls(300_200)).length, 7);
      });

      it('reports them for hubs and links too, and treats canonically equivalent texts as equal', async () => {
        const hub = rows.hub('provider_performance_h', { performance_bk: 'caf\u00e9' }, stamp(1));
        const equivalent = { ...hub, values: { ...hub.values, performance_bk: 'cafe\u0301' } };
        const forged = { ...hub, values: { ...hub.values, performance_bk: 'forged' } };
        const link = callRows(300_300)[1]!;
        const forged_link = { ...link, values: { ...link.values, model_hk: 'ab'.repeat(32) } };
        assert.equal((await load(sql, [hub, link])).refused, 0);
        assert.equal((await load(sql, [equivalent, link])).refused, 0);
        assert.equal((await load(sql, [forged, forged_link])).refused, 2);
      });
    });

    it('refuses an invalid set as a whole', () => {
      const set =
        (...lines: Content<'invoice_line_s'>[]) =>
        () =>
          rows.satelliteSet('invoice_line_s', 'ab'.repeat(32), lines, stamp(1));
      assert.throws(set(), /at least one row/);
      assert.throws(set(invoiceLine(1, 'a'), invoiceLine(1, 'b')), /one line_number/);
      assert.throws(set(invoiceLine(1, 'a'), invoiceLine(2, 'b'.repeat(501))), /description/);
      assert.throws(set(invoiceLine(1, 'a'), { ...invoiceLine(2, 'b'), amount: undefined as never }), /amount/);
    });

    it('refuses a key without all of its parts', () => {
      assert.throws(() => rows.hubKey('customer_h', {} as never), /customer_bk/);
      assert.throws(() => rows.linkKey('customer_tenant_l', { customer_hk: 'ab'.repeat(32) } as never), /hub key/);
      assert.throws(() => rows.hub('no_such_h' as never, {} as never, stamp(1)), /no hub no_such_h/);
    });

    it('stores NUL characters and lone surrogates in a readable form, and once only', async () => {
      const row = {
        ...satellite,
        values: { ...satellite.values, tenant_name: 'nul \0, lone \udead, real \\u0000' },
      };
      await load(sql, [row]);
      await load(sql, [row]);
      const found = await sql<{ name: string }[]>`
        select record::jsonb ->> 'tenant_name' as name from ops.load_error where record like '%lone%'`;
      assert.deepEqual(
        found.map(({ name }) => name),
        ['nul \\u0000, lone \\udead, real \\u0000'],
      );
    });
  });
});

function callRowWith(change: Readonly<Record<string, unknown>>): VaultRow {
  const outcome = callRows(300_000)[2]!;
  return { table: outcome.table, values: { ...outcome.values, ...change } };
}

function routeWith(candidates: unknown): VaultRow {
  const route = callRows(300_001)[3]!;
  return { table: route.table, values: { ...route.values, candidates } };
}

function nested(depth: number): unknown[] {
  let value: unknown[] = [];
  for (let at = 0; at < depth; at++) value = [value];
  return value;
}
