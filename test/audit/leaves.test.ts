import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { entryOf, leafHash } from '../../src/audit/entry.ts';
import { createJournalLog } from '../../src/audit/journal-leaves.ts';
import { systemClock } from '../../src/core/clock.ts';
import { connect, type Sql } from '../../src/postgres/connect.ts';
import { journalFamily } from '../../src/vault/journal-family.ts';
import { recordedInsert } from '../../src/vault/recorded-insert.ts';
import type { VaultRow } from '../../src/vault/rows.ts';
import type { Transaction } from '../../src/vault/transaction.ts';
import { writeVault } from '../../src/vault/write.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { rowGroups } from '../vault/random-rows.ts';
import { callRows, newLoader, registry, stamp, tenantRows } from '../vault/vault-fixture.ts';
import { assertLogged, listUncovered, readAll, sequenceAll } from './leaf-fixture.ts';
import { insertUnrecorded } from './tampering/every-table.ts';

// PostgreSQL writes, reads and compares texts of these types differently under each setting.
const ODD_SETTINGS = [
  `set local timezone = 'America/St_Johns'; set local datestyle = 'SQL, DMY'; set local bytea_output = 'escape'`,
  `set local timezone = 'Pacific/Apia'; set local datestyle = 'German'; set local extra_float_digits = -15`,
  `set local lc_numeric = 'C'; set local lc_time = 'C'; set local standard_conforming_strings = off;
   set local escape_string_warning = off; set local quote_all_identifiers = on; set local array_nulls = off`,
  `set local search_path = gateway, ops; set local enable_hashagg = off; set local work_mem = '64kB'`,
] as const;

const LOADERS = 8;
const journal_tables = journalFamily(registry)!.tables;

/** Random rows without calls, which only the journal's loader logs. */
const recorded = rowGroups.map((facts) => facts.flat().filter(({ table }) => !journal_tables.has(table)));

describe('the audit log', function () {
  this.timeout(300_000);
  let database: TestDatabase;
  let sql: Sql;
  beforeEach(async () => {
    database = await createTestDatabase();
    sql = database.sql;
  });
  afterEach(() => database.drop());

  it('covers the seeds with one leaf for each row', async () => {
    const leaves = await assertLogged(sql);
    assert.ok(leaves.length > 10);
  });

  it('has the same leaves from SQL and from TypeScript, whatever the texts and instants, under unusual session settings', async () => {
    const sources = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 100 })
      .filter((text) => !text.includes('\0') && text.length <= 100);
    const instants = fc
      .tuple(
        fc.date({
          min: new Date('0001-01-02T00:00:00Z'),
          max: new Date('9999-12-30T00:00:00Z'),
          noInvalidDate: true,
        }),
        fc.constantFrom('', '.1', '.120', '.123456', '.000001', '.999999'),
      )
      .map(([date, fraction]) => `${date.toISOString().slice(0, 19)}${fraction}Z`);
    const facts = fc.record({
      load_date: instants,
      applied_date: instants,
      record_source: sources,
      tenant_bk: fc.uuid(),
      settings: fc.constantFrom(...ODD_SETTINGS),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(facts, { minLength: 1, maxLength: 20 }), async (all) => {
        for (const { settings, tenant_bk, ...at } of all) {
          const given = tenantRows(tenant_bk, 'any', at);
          const written = await sql.begin(async (tx) => {
            await tx.unsafe(settings);
            await newLoader()(tx, given);
            return await tx<{ hash: string }[]>`
              select encode(leaf_hashes, 'hex') as hash from audit.leaf_batch order by leaf_batch_id desc limit 2`;
          });
          assert.deepEqual(
            written.map(({ hash }) => hash).sort(),
            given.map((row) => leafHash(entryOf(registry, [row]))).sort(),
          );
        }
      }),
      { numRuns: 15, interruptAfterTimeLimit: 20_000 },
    );
  });

  it('has the same leaves of calls from SQL and from TypeScript, under unusual session settings', async () => {
    const writer = '019aa000-0000-7000-8000-000000000000';
    for (const [place, settings] of ODD_SETTINGS.entries()) {
      const calls = [1, 2, 3].map((n) => callRows(10 * place + n));
      await sql.begin(async (tx) => {
        await newLoader()(tx, calls.flat());
        await tx.unsafe(settings);
        await tx.unsafe(`
          insert into ops.journal_batch values ('${writer}', ${10 * place + 2}, ${10 * place + 4}, 3, null, null,
            timestamptz '2026-11-21 00:00:00+00', timestamptz '2026-11-22 00:00:00+00', now())`);
        await tx.unsafe(`select audit.queue_journal_batch('${writer}', ${10 * place + 2}, now())`);
      });
      const [batch] = await sql<{ hashes: string; sequences: number[] }[]>`
        select encode(leaf_hashes, 'hex') as hashes, sequences
        from audit.leaf_batch order by leaf_batch_id desc limit 1`;
      assert.equal(batch!.hashes, calls.map((call) => leafHash(entryOf(registry, call))).join(''));
      assert.deepEqual(batch!.sequences, [0, 1, 2]);
    }
  });

  it('has one leaf for each row that is loaded twice, by eight loaders at once or in rolled-back transactions', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(recorded, { minLength: 1, maxLength: 3 }), async (batches) => {
        const given = batches.flat();
        await newLoader()(sql, given);
        await Promise.all(Array.from({ length: LOADERS }, () => newLoader()(sql, given.toReversed())));
        await assert.rejects(
          sql.begin(async (tx) => {
            await newLoader()(tx, tenantRows('rolled-back', 'A', stamp(1)));
            throw new Error('rolled back');
          }),
          /rolled back/,
        );
        await assertLogged(sql);
      }),
      { numRuns: 4, interruptAfterTimeLimit: 30_000 },
    );
  });

  it('has one leaf for each row when a loader is killed at any moment and repeated', async () => {
    const given = [1, 2, 3, 4].flatMap((n) => tenantRows(`t-${n}`, 'A', stamp(n)));
    for (const wait_ms of [0, 1, 2, 4, 8, 16]) {
      const killed = connect(database.url, { application_name: 'victim', max_connections: 1 });
      const loading = newLoader()(killed, [...given, ...tenantRows(`w-${wait_ms}`, 'A', stamp(1))]).catch(() => {});
      await sleep(wait_ms);
      await sql`
        select pg_terminate_backend(pid)
        from pg_stat_activity
        where datname = current_database() and application_name = 'victim'`;
      await loading;
      await killed.end({ timeout: 0 });
      await newLoader()(sql, given);
    }
    await assertLogged(sql);
  });

  it('has one leaf for each row that a recorded statement, writeVault or a statement of many thousand rows inserts', async () => {
    const [{ inserted }] = await sql.unsafe<[{ inserted: number }]>(
      recordedInsert(
        registry.hub('customer_h'),
        `insert into gateway.customer_h (customer_hk, load_date, customer_bk, record_source)
         select sha256(n::text::bytea), timestamptz '2026-11-21 10:00:00+00' + n * interval '1 microsecond', n::text, 'by "hand"'
         from generate_series(1, 12345) n`,
      ),
    );
    assert.equal(inserted, 12_345);
    await writeVault(sql, systemClock, (tx: Transaction, load_date) =>
      newLoader()(tx, tenantRows('written', 'A', { ...stamp(1), load_date })),
    );
    await assertLogged(sql);
    const [pieces] = await sql<{ batches: number; most: number }[]>`
      select count(*) as batches, max(leaf_count) as most
      from audit.leaf_batch join ops.load_change using (change_id)
      where table_name = 'customer_h' and leaf_count > 1000`;
    assert.deepEqual({ ...pieces }, { batches: 3, most: 5_000 });
  });

  it('returns the rows of any range of leaves, across batches of every kind', async () => {
    await newLoader()(sql, tenantRows('before', 'A', stamp(1)));
    await addBatch(
      sql,
      [1, 2, 3, 4, 5, 6].map((n) => callRows(n)),
    );
    await newLoader()(sql, tenantRows('after', 'B', stamp(2)));
    const size = await sequenceAll(sql);
    const all = await readAll(sql, 0, size);
    const calls = all.filter(({ rows: [row] }) => row!.table === 'api_request_h');
    assert.deepEqual(
      calls.map(({ rows: of_call }) => of_call.map(({ table }) => table)),
      Array(6).fill(['api_request_h', 'api_request_l', 'api_request_route_s', 'api_request_s']),
    );
    const facts = calls[0]!.rows.find(({ table }) => table === 'api_request_s')!.values;
    assert.equal(facts.request_timestamp, '2026-11-21T09:59:59.123000Z');
    assert.equal(facts.provider_cost, '360000000');
    assert.equal(facts.price_version, 'ab'.repeat(32));
    for (let from = size - 14; from < size; from += 1) {
      for (const to of [from + 1, from + 3, size]) {
        assert.deepEqual(await readAll(sql, from, Math.min(to, size)), all.slice(from, Math.min(to, size)));
      }
    }
  });

  it('reports the known facts of a missing row, and the rows that no leaf covers', async () => {
    await addBatch(sql, [callRows(1), callRows(2)]);
    await newLoader()(sql, tenantRows('here', 'A', stamp(1)));
    const size = await sequenceAll(sql);
    await sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      await tx`delete from gateway.api_request_s where journal_sequence = 3`;
      await tx`delete from auth.tenant_s where tenant_name = 'A'`;
      await tx`
        insert into gateway.customer_h (customer_hk, load_date, customer_bk, record_source)
        values (sha256('x'), now(), 'smuggled in', 'nobody')`;
    });
    const gone = (await readAll(sql, 0, size)).flatMap((leaf) => leaf.gone ?? []);
    assert.equal(gone.length, 2);
    assert.match(gone[0]!, /^the call of journal writer 019aa000-0000-7000-8000-000000000000, record 3$/);
    assert.match(gone[1]!, /^tenant_s [0-9a-f]{64} applied_date=.* load_date=.* hash_diff=[0-9a-f]{64}$/);
    const uncovered = await listUncovered(sql);
    // The remaining rows of the call without an outcome belong to no leaf.
    assert.deepEqual(uncovered.map(({ table }) => table).sort(), [
      'api_request_h',
      'api_request_l',
      'api_request_route_s',
      'customer_h',
    ]);
    assert.match(uncovered.find(({ table }) => table === 'customer_h')!.key, /^customer_hk=[0-9a-f]{64}$/);
  });

  it('reports a row that was inserted by hand as uncovered', async () => {
    await insertUnrecorded(sql, registry, tenantRows('by hand', 'A', stamp(1)));
    await newLoader()(sql, tenantRows('loaded', 'A', stamp(1)));
    const uncovered = await listUncovered(sql);
    assert.deepEqual(uncovered.map(({ table }) => table).toSorted(), ['tenant_h', 'tenant_s']);
  });

  it('reports calls that no batch of leaves contains', async () => {
    await newLoader()(sql, callRows(7));
    const uncovered = await listUncovered(sql);
    assert.deepEqual(
      uncovered.map(({ table }) => table),
      ['api_request_s'],
    );
  });
});

/** Loads calls with consecutive sequences as a batch of their writer. */
const addBatch = async (sql: Sql, calls: readonly (readonly VaultRow[])[]): Promise<void> => {
  const facts = calls.map((call) => call.find(({ table }) => table === 'api_request_s')!.values);
  const writer = String(facts[0]!.journal_writer);
  const first_sequence = Number(facts[0]!.journal_sequence);
  await writeVault(sql, systemClock, async (tx, loaded_at) => {
    await newLoader()(tx, calls.flat());
    await tx`
      insert into ops.journal_batch
        (writer, first_sequence, last_sequence, record_count, first_load_date, last_load_date, loaded_at)
      values (${writer}, ${first_sequence}, ${Number(facts.at(-1)!.journal_sequence)}, ${calls.length},
        ${String(facts[0]!.load_date)}, ${String(facts.at(-1)!.load_date)}, ${loaded_at})`;
    await createJournalLog(registry).queue(tx, { writer, first_sequence, queued_at: loaded_at });
  });
};
