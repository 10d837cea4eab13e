import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/core/clock.ts';
import { connect, type Sql } from '../../src/postgres/connect.ts';
import { createChangeFeed } from '../../src/vault/change-feed.ts';
import { type ChangePosition, FEED_START } from '../../src/vault/change-page.ts';
import { GHOST_KEY } from '../../src/vault/entity.ts';
import type { VaultRow } from '../../src/vault/rows.ts';
import { createCallFeed, WRITERS } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { newLoader, registry, rows, stamp, tenant, tenantKey, tenantRows } from './vault-fixture.ts';

const CALL_TABLES = ['api_request_h', 'api_request_l', 'api_request_s', 'api_request_route_s'];
const TENANT_TABLES = ['tenant_h', 'tenant_s'];
const WRITERS_AT_ONCE = 8;
const TRANSACTIONS_EACH = 12;

describe('the change feed', () => {
  let database: TestDatabase;
  let sql: Sql;
  const load = newLoader();
  const readChanges = createChangeFeed(registry);
  beforeEach(async () => {
    database = await createTestDatabase();
    sql = database.sql;
  });
  afterEach(() => database.drop());

  /** Reads to the end, page by page, each time from a position that was converted to text and back. */
  const readAll = async (
    tables: readonly string[],
    from: ChangePosition,
    limit = 1_000,
  ): Promise<{ rows: VaultRow[]; position: ChangePosition }> => {
    const found: VaultRow[] = [];
    let position = from;
    for (;;) {
      const page = await readChanges(sql, tables, position, limit);
      found.push(...page.rows);
      position = JSON.parse(JSON.stringify(page.position)) as ChangePosition;
      if (!page.has_more) return { rows: found, position };
      assert.ok(page.rows.length <= Math.max(limit, tables.length), `${page.rows.length} rows came`);
    }
  };
  const endOf = async (tables: readonly string[]): Promise<ChangePosition> =>
    (await readAll(tables, FEED_START)).position;
  const namesOf = (found: readonly VaultRow[]): unknown[] =>
    found.filter(({ table }) => table === 'tenant_s').map(({ values }) => values.tenant_name);
  const textOf = ({ table, values }: VaultRow): string =>
    `${table} ${JSON.stringify(Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1)))}`;
  const contentOf = async (tables: readonly string[]): Promise<string[]> => {
    const found: string[] = [];
    for (const table of tables) {
      const { name, hash_key, columns } = registry.entities.get(table)!;
      const rows_found = await sql.unsafe<Record<string, unknown>[]>(
        `select ${columns.map((column) => column.name).join(', ')} from ${name} where ${hash_key} <> decode('${GHOST_KEY}', 'hex')`,
      );
      found.push(...rows_found.map((values) => textOf({ table, values })));
    }
    return found.toSorted();
  };

  it('returns every row of every table once, also of the seeds, in pages of any size', async () => {
    const feed = createCallFeed(sql, systemClock);
    await feed.send([{ request_timestamp: '2026-11-20T23:59:59.900Z' }, { request_timestamp: '2026-11-20T10:00:00Z' }]);
    const line = (line_number: number) => ({ ...LINE, line_number });
    await load(sql, rows.satelliteSet('invoice_line_s', 'ab'.repeat(32), [line(1), line(2), line(3)], stamp(1)));
    const tables = [...registry.entities.keys()];
    const content = await contentOf(tables);
    for (const limit of [1, 7, 50, 10_000]) {
      const { rows: found } = await readAll(tables, FEED_START, limit);
      assert.deepEqual(found.map(textOf).toSorted(), content, `pages of ${limit}`);
    }
    assert.ok(content.length > 60);
  });

  it('returns each half of a set once, when it was loaded', async () => {
    const set = rows.satelliteSet(
      'invoice_line_s',
      'ab'.repeat(32),
      [1, 2, 3].map((line_number) => ({ ...LINE, line_number })),
      stamp(1),
    );
    const start = await endOf(['invoice_line_s']);
    const numbers = (found: readonly VaultRow[]) => found.map(({ values }) => values.line_number);
    await load(sql, [set[0]!, set[2]!]);
    const first = await readAll(['invoice_line_s'], start);
    await load(sql, set);
    const second = await readAll(['invoice_line_s'], first.position);
    assert.deepEqual([numbers(first.rows).toSorted(), numbers(second.rows)], [[1, 3], [2]]);
  });

  it('returns rows that an older transaction commits after a newer one', async () => {
    const start = await endOf(TENANT_TABLES);
    const { promise: inserted, resolve: insert } = Promise.withResolvers<void>();
    const { promise: release, resolve: commit } = Promise.withResolvers<void>();
    const old = sql.begin(async (tx) => {
      await load(tx, tenantRows('early', 'early', stamp(1)));
      insert();
      await release;
    });
    await inserted;
    await load(sql, tenantRows('late', 'late', stamp(2)));
    const first = await readAll(TENANT_TABLES, start);
    assert.deepEqual(namesOf(first.rows), ['late']);
    commit();
    await old;
    const second = await readAll(TENANT_TABLES, first.position);
    assert.deepEqual(namesOf(second.rows), ['early']);
    // A watermark by load_date would have missed it for ever.
    const by_time = await sql`
      select 1 from auth.tenant_s where tenant_name = 'early' and load_date > ${stamp(2).load_date}`;
    assert.equal(by_time.length, 0);
    assert.deepEqual((await readAll(TENANT_TABLES, second.position)).rows, []);
  });

  it('misses no row when a transaction commits before another one that has an earlier position', async () => {
    const start = await endOf(TENANT_TABLES);
    const { promise: drawn, resolve: draw } = Promise.withResolvers<void>();
    const { promise: release, resolve: commit } = Promise.withResolvers<void>();
    const slow = sql.begin(async (tx) => {
      await load(tx, tenantRows('slow', 'slow', stamp(1)));
      await tx`set constraints all immediate`;
      draw();
      await release;
    });
    await drawn;
    const quick = load(sql, tenantRows('quick', 'quick', stamp(2)));
    await sleep(100);
    const first = await readAll(TENANT_TABLES, start);
    commit();
    await Promise.all([slow, quick]);
    const second = await readAll(TENANT_TABLES, first.position);
    assert.deepEqual(namesOf([...first.rows, ...second.rows]), ['slow', 'quick']);
  });

  it('omits rolled-back rows, and continues after them', async () => {
    const start = await endOf(TENANT_TABLES);
    await assert.rejects(
      sql.begin(async (tx) => {
        await load(tx, tenantRows('never', 'never', stamp(1)));
        await tx`set constraints all immediate`;
        throw new Error('changed my mind');
      }),
      /changed my mind/,
    );
    await sql.begin(async (tx) => {
      await tx
        .savepoint((inner) =>
          load(inner, tenantRows('half', 'half', stamp(1))).then(() => {
            throw new Error('half');
          }),
        )
        .catch(() => undefined);
      await load(tx, tenantRows('kept', 'kept', stamp(1)));
    });
    assert.deepEqual(namesOf((await readAll(TENANT_TABLES, start)).rows), ['kept']);
  });

  it('omits rows that already existed', async () => {
    await load(sql, tenantRows('twice', 'twice', stamp(1)));
    const start = await endOf(TENANT_TABLES);
    await load(sql, [...tenantRows('twice', 'twice', stamp(1)), ...tenantRows('twice', 'other', stamp(2))]);
    const { rows: found } = await readAll(TENANT_TABLES, start);
    assert.deepEqual(
      found.map(({ table, values }) => [table, values.tenant_name]),
      [['tenant_s', 'other']],
    );
  });

  it('returns each row once beside many writers with long, short and failing transactions', async () => {
    const tables = [...TENANT_TABLES, 'api_request_s', 'api_request_l'];
    let position = await endOf(tables);
    const start_content = await contentOf(tables);
    const pool = connect(database.url, { max_connections: WRITERS_AT_ONCE });
    const feed = createCallFeed(pool, systemClock);
    const seen: VaultRow[] = [];
    const write = async (writer: number): Promise<void> => {
      for (let turn = 0; turn < TRANSACTIONS_EACH; turn++) {
        const name = `w${writer}-${turn}`;
        const fails = (writer + turn) % 5 === 0;
        await pool
          .begin(async (tx) => {
            await load(tx, [
              ...tenantRows(name, name, stamp(turn % 60)),
              // All writers write to one key.
              rows.satellite('tenant_s', tenantKey('shared'), tenant(`s${turn % 3}`), stamp(turn % 4)),
            ]);
            await sleep((writer * 7 + turn * 13) % 40);
            if (fails) throw new Error('fails');
          })
          .catch((error: Error) => assert.equal(error.message, 'fails'));
      }
    };
    const call = async (writer: string): Promise<void> => {
      for (let turn = 0; turn < TRANSACTIONS_EACH; turn++) {
        await feed.send(
          [1, 2, 3].map((second) => ({ request_timestamp: `2026-11-2${turn % 3}T10:00:0${second}Z` })),
          writer,
        );
      }
    };
    let is_over = false;
    const reading = (async () => {
      for (let turn = 0; ; turn++) {
        const was_over = is_over;
        const page = await readChanges(sql, tables, position, 1 + ((turn * 5) % 11));
        seen.push(...page.rows);
        position = JSON.parse(JSON.stringify(page.position)) as ChangePosition;
        if (was_over && !page.has_more) return;
        await sleep(turn % 3);
      }
    })();
    await Promise.all([...Array.from({ length: WRITERS_AT_ONCE }, (_, writer) => write(writer)), ...WRITERS.map(call)]);
    is_over = true;
    await reading;
    await pool.end();
    const added = (await contentOf(tables)).filter((text) => !start_content.includes(text));
    assert.deepEqual(seen.map(textOf).toSorted(), added);
    assert.ok(added.length > 300);
  });

  it("returns calls in the order of their writers' sequences, with all rows of each call", async () => {
    const feed = createCallFeed(sql, systemClock);
    await feed.send([
      { request_timestamp: '2026-11-21T10:00:05Z', recorded_at: '2026-11-22T00:00:01Z' },
      { request_timestamp: '2026-11-21T10:00:01Z' },
    ]);
    await feed.send([{ request_timestamp: '2026-11-19T10:00:00Z' }], WRITERS[1]);
    const { rows: found, position } = await readAll(CALL_TABLES, FEED_START, 4);
    assert.deepEqual(
      found
        .filter(({ table }) => table === 'api_request_s')
        .map(({ values }) => [values.journal_writer, values.journal_sequence]),
      [
        [WRITERS[0], 1],
        [WRITERS[0], 2],
        [WRITERS[1], 1],
      ],
    );
    assert.equal(found.filter(({ table }) => table === 'api_request_l').length, 3);
    assert.deepEqual(position.writers, { [WRITERS[0]]: 2, [WRITERS[1]]: 1 });
  });

  it("contains the rows that the product's role writes, although that role cannot write the feed itself", async () => {
    const start = await endOf(TENANT_TABLES);
    await sql.begin(async (tx) => {
      await tx`set local role onevault_gateway`;
      await load(tx, tenantRows('role', 'role', stamp(1)));
    });
    const page = await sql.begin(async (tx) => {
      await tx`set local role onevault_gateway`;
      return readChanges(tx, TENANT_TABLES, start, 10);
    });
    assert.deepEqual(namesOf(page.rows), ['role']);
    await assert.rejects(
      sql.begin(async (tx) => {
        await tx`set local role onevault_gateway`;
        await tx`insert into ops.change_order values (99, 99)`;
      }),
      { code: '42501' },
    );
    for (const table of ['ops.load_change', 'ops.change_order']) {
      for (const change of [`delete from ${table}`, `truncate ${table}`]) {
        await assert.rejects(sql.unsafe(change), { code: '42501' });
      }
    }
  });

  it('refuses an unknown table', async () => {
    await assert.rejects(readChanges(sql, ['nothing_s'], FEED_START, 1), /no table nothing_s/);
  });
});

const LINE = {
  description: 'Calls',
  provider: 'openai',
  model: 'gpt-4o-mini',
  call_count: 1,
  prompt_tokens: 1,
  completion_tokens: 1,
  cached_tokens: 0,
  provider_cost: '1',
  gateway_markup: '1',
  amount: '2',
  amount_cents: 0,
  service_period: '2026-11-01',
  query_sha256: 'ab'.repeat(32),
  control_sum: '1',
};
