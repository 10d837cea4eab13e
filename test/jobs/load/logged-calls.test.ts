import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { findLeaf, findRowLeaf } from '../../../src/audit/find-leaf.ts';
import type { CallRecord } from '../../../src/journal/record.ts';
import { assertLogged, sequenceAll } from '../../audit/leaf-fixture.ts';
import { createJournal, intent, outcome, type TestJournal } from '../../journal/journal-fixture.ts';
import { testRegistry } from '../../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createTestLoader, readVault } from './loader-fixture.ts';

const ROUTE: NonNullable<CallRecord['route']> = {
  candidates: [{ provider: 'openai', model: 'gpt-4o', worst_cost: '1' }],
  attempts: [],
  decision: 'the only one',
  rule_version: null,
  max_cost: null,
};

const call = (change: Partial<CallRecord> = {}): CallRecord => ({ ...outcome(intent(), 1), ...change });

describe('the audit log', function () {
  this.timeout(300_000);
  let database: TestDatabase;
  let journal: TestJournal;
  beforeEach(async () => {
    database = await createTestDatabase();
    journal = createJournal();
  });
  afterEach(async () => {
    await journal.remove();
    await database.drop();
  });

  const appendAll = async (records: readonly CallRecord[]): Promise<string> => {
    const writer = await journal.open();
    for (const record of records) await writer.append(record);
    return writer.id;
  };

  const drain = async (loaders = 1): Promise<void> => {
    const made = Array.from({ length: loaders }, () => createTestLoader(journal.store, database.url));
    try {
      await Promise.all(made.map((loader) => loader.drain()));
    } finally {
      await Promise.all(made.map((loader) => loader.close()));
    }
  };

  it('has one leaf for each call, with its route if there is one, and none for intents and refused records', async () => {
    const begun = intent();
    await appendAll([begun, outcome(begun, 1), call({ route: ROUTE }), intent(), call({ customer: '\0' })]);
    await drain();
    const leaves = await assertLogged(database.sql);
    const calls = leaves.filter(({ rows: [row] }) => row!.table === 'api_request_h');
    assert.deepEqual(
      calls.map(({ rows }) => rows.length),
      [3, 4],
    );
    const [batch] = await database.sql<{ sequences: number[] }[]>`
      select sequences from audit.leaf_batch where journal_writer is not null`;
    assert.deepEqual(batch!.sequences, [1, 2]);
  });

  it('has one leaf for each call when eight loaders share a journal', async () => {
    for (let writer = 0; writer < 3; writer += 1) {
      await appendAll(Array.from({ length: 40 }, () => call({ route: ROUTE })));
    }
    await drain(8);
    await assertLogged(database.sql);
  });

  it('omits records that conflict with an existing call, whose rows are all refused, and covers the records around them', async () => {
    const stands = call();
    await appendAll([stands]);
    await drain();
    // Another customer means another link, and the existing call has no route row.
    const conflicting: CallRecord = { ...stands, customer: 'somebody else', route: ROUTE };
    const twice = call({ route: ROUTE });
    const again: CallRecord = { ...twice, customer: 'somebody else' };
    await appendAll([call(), conflicting, twice, again, stands, call()]);
    await drain();
    const leaves = await assertLogged(database.sql);
    assert.equal(leaves.filter(({ rows: [row] }) => row!.table === 'api_request_h').length, 4);
    const refused = await database.sql<{ table_name: string; count: number }[]>`
      select table_name, count(*) as count from ops.load_error group by 1 order by 1`;
    assert.deepEqual(
      refused.map((row) => ({ ...row })),
      [
        // Refused rows of the conflicting record and of the second outcome of one batch.
        { table_name: 'api_request_l', count: 2 },
        { table_name: 'api_request_route_s', count: 1 },
        { table_name: 'api_request_s', count: 3 },
      ],
    );
    await drain();
    await assertLogged(database.sql);
  });

  it('covers every call when writers record conflicting data of the same calls at the same time', async () => {
    const calls = Array.from({ length: 30 }, () => call());
    for (let writer = 0; writer < 4; writer += 1) {
      const customer = `customer ${writer}`;
      await appendAll(calls.map((original) => ({ ...original, customer, route: writer % 2 === 0 ? null : ROUTE })));
    }
    await drain(4);
    const leaves = await assertLogged(database.sql);
    assert.equal(leaves.filter(({ rows: [row] }) => row!.table === 'api_request_h').length, calls.length);
  });

  it('has one leaf for each call when the loader is killed again and again', async () => {
    const calls = Array.from({ length: 600 }, () => call({ route: ROUTE }));
    for (let from = 0; from < calls.length; from += 200) await appendAll(calls.slice(from, from + 200));
    const loader = createTestLoader(journal.store, database.url);
    const running = loader.run();
    try {
      for (let kills = 0; kills < 10; kills += 1) {
        await sleep(20);
        await database.sql`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name = 'test loader'`;
      }
      for (;;) {
        const { request_ids } = await readVault(database.sql);
        if (request_ids.length === calls.length) break;
        await sleep(50);
      }
    } finally {
      loader.stop();
      await running;
      await loader.close();
    }
    await assertLogged(database.sql);
  });

  it('finds the leaf of a call by its request id, before and after the leaf is in the tree', async () => {
    const calls = [call(), call({ request_id: '11111111-2222-4333-8444-555555555555' }), call({ route: ROUTE })];
    await appendAll([intent(), ...calls]);
    await drain();
    const registry = testRegistry();
    const find = (request_id: string) => findLeaf(database.sql, registry, { request_id });
    const queued = await find(calls[2]!.request_id);
    assert.equal(queued?.offset, 2);
    assert.equal(queued?.first_index, null);
    await sequenceAll(database.sql);
    const leaves = await assertLogged(database.sql);
    for (const { request_id } of calls) {
      const found = await find(request_id);
      const leaf = leaves[found!.first_index! + found!.offset]!;
      assert.equal(leaf.leaf_hash, found!.leaf_hash);
      assert.equal(leaf.rows[0]!.values.api_request_bk, request_id);
    }
    assert.equal(await find('00000000-0000-7000-8000-00000000abcd'), null);
  });

  it('finds the leaf of every other row by the row', async () => {
    await appendAll([call({ route: ROUTE })]);
    await drain();
    for (const { index, leaf_hash, rows } of await assertLogged(database.sql)) {
      for (const row of rows) {
        const found = await findRowLeaf(database.sql, testRegistry(), row);
        assert.equal(found!.first_index! + found!.offset, index, JSON.stringify(row));
        assert.equal(found!.leaf_hash, leaf_hash);
      }
    }
  });
});
