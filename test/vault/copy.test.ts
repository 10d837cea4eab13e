import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Sql } from '../../src/postgres/connect.ts';
import { createAppend } from '../../src/vault/copy.ts';
import type { VaultRow } from '../../src/vault/rows.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { callRows, contentOf, newLoader, registry, stamp, tenantRows } from './vault-fixture.ts';

const TABLES = ['api_request_h', 'api_request_l', 'api_request_s', 'api_request_route_s'];
const RUNS = 40;

describe('the append', () => {
  let appended: TestDatabase;
  let loaded: TestDatabase;
  const append = createAppend(registry);
  const load = newLoader();
  const prepare = (rows: readonly VaultRow[]) => {
    const appending = append();
    appending.add(rows);
    return appending.finish();
  };
  const appendTo = async (sql: Sql, rows: readonly VaultRow[]): Promise<void> => {
    await sql.begin(await prepare(rows));
  };
  before(async () => {
    appended = await createTestDatabase();
    loaded = await createTestDatabase();
  });
  after(async () => {
    await appended.drop();
    await loaded.drop();
  });

  it('stores the same rows as the loader, whatever the texts contain', async () => {
    const hostile = fc.constantFrom('\\', '\\.', '\\N', 'N', '\t', '\n', '\r', '"', '{', '}', ',', "'", '', ' ');
    const letter = fc.oneof(hostile, fc.string({ unit: 'binary', maxLength: 3 }));
    const text = fc
      .array(letter, { maxLength: 6 })
      .map((parts) => parts.join('').replaceAll('\0', ''))
      .filter((joined) => joined.isWellFormed());
    let number = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(text, text, fc.array(text, { maxLength: 3 })), { minLength: 1 }),
        async (facts) => {
          const rows = facts.flatMap(([user_agent, error_message, flags]) => {
            number += 1;
            const [hub, link, outcome] = callRows(number, {
              user_agent,
              error_message,
              compliance_flags: flags,
            });
            const [, , , route] = callRows(number);
            const values = {
              ...route!.values,
              attempts: [{ [user_agent]: error_message, of: flags, at: number }],
            };
            return [hub!, link!, outcome!, { ...route!, values }];
          });
          await appendTo(appended.sql, rows);
          const { refused } = await load(loaded.sql, rows);
          assert.equal(refused, 0);
        },
      ),
      { numRuns: RUNS },
    );
    assert.deepEqual(await contentOf(appended.sql, TABLES), await contentOf(loaded.sql, TABLES));
  });

  it('refuses tables that are not partitioned, because COPY would not record their changes', () => {
    const appending = append();
    assert.throws(
      () => appending.add(tenantRows('x', 'X', stamp(1))),
      /tenant_h is not partitioned: load its rows instead/,
    );
    assert.throws(() => appending.add([{ table: 'nothing_h', values: {} }]), /the vault has no table nothing_h/);
  });

  it('creates the partitions of days without one', async () => {
    const rows = callRows(900_001).map(({ table, values }) => ({
      table,
      values: { ...values, load_date: '2031-05-06T23:59:59.999999Z' },
    }));
    await appendTo(appended.sql, rows);
    const [row] = await appended.sql<{ found: number }[]>`
      select count(*) as found from only gateway.api_request_s_p20310506`;
    assert.equal(row!.found, 1);
  });

  it('refuses a batch with an existing row, writes nothing of it, and accepts the next batch', async () => {
    const { sql } = appended;
    await appendTo(sql, callRows(910_001));
    const before_it = await contentOf(sql, TABLES);
    for (let round = 0; round < 5; round += 1) {
      const repeated = [910_002, 910_003, 910_001].flatMap((each) => callRows(each));
      await assert.rejects(appendTo(sql, repeated), { code: '23505' });
      assert.deepEqual(await contentOf(sql, TABLES), before_it);
    }
    await appendTo(sql, callRows(910_004));
    assert.equal((await contentOf(sql, TABLES)).length, before_it.length + TABLES.length);
  });

  it('fails when its connection dies, without effect on the next transaction', async () => {
    const { sql } = appended;
    const write = await prepare([920_001, 920_002].flatMap((each) => callRows(each)));
    const dying = sql.begin(async (tx) => {
      const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
      await sql`select pg_terminate_backend(${row!.pid})`;
      await write(tx);
    });
    await assert.rejects(dying);
    await sql.begin(write);
    assert.equal((await sql`select from gateway.api_request_s where journal_sequence = 920002`).length, 1);
  });
});
