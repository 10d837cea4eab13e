import assert from 'node:assert/strict';
import { readFrontier } from '../../../src/audit/read-hashes.ts';
import { sequenceLeaves } from '../../../src/audit/sequence-leaves.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { Sql } from '../../../src/postgres/connect.ts';
import { type CheckResult, checkVault, type Progress } from '../../../src/vault/check/check-vault.ts';
import type { Transaction } from '../../../src/vault/transaction.ts';
import { addCustomer, createCallFeed, WRITERS } from '../../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { newLoader, registry, rows, stamp, tenantRows } from '../vault-fixture.ts';

const LINES = [1, 2, 3].map((line_number) => ({
  line_number,
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
}));

/** A vault with rows of every kind. */
const fill = async (sql: Sql): Promise<void> => {
  await sql`select util.ensure_partitions(current_date, current_date + 14)`;
  await addCustomer(sql, { customer: 'acme' });
  const feed = createCallFeed(sql, systemClock);
  for (const writer of WRITERS) {
    await feed.send(
      [
        { request_timestamp: '2026-11-20T23:59:59.900Z' },
        { request_timestamp: '2026-11-20T10:00:00.000Z', provider: null, model: null },
      ],
      writer,
    );
    await feed.send([{ request_timestamp: '2026-11-19T10:00:00.000Z' }], writer);
  }
  const invoice_bk = 'OV-1';
  const invoice_hk = rows.hubKey('invoice_h', { invoice_bk });
  await newLoader()(sql, [
    ...tenantRows('bank', 'Bank', stamp(1)),
    ...tenantRows('bank', 'Bänk', stamp(2)),
    rows.hub('invoice_h', { invoice_bk }, stamp(1)),
    ...rows.satelliteSet('invoice_line_s', invoice_hk, LINES, stamp(1)),
  ]);
  // The first leaves are in the tree, the others wait.
  await sql.begin(async (tx) => sequenceLeaves(tx, await readFrontier(tx, 0), 1));
};

interface Damage {
  readonly what: string;
  readonly check: string;
  readonly sql: string;
  readonly named: RegExp;
  readonly faults?: number;
}

const W = WRITERS[0];

const DAMAGES: readonly Damage[] = [
  {
    what: 'a changed value',
    check: 'hashes',
    sql: `update auth.tenant_s set tenant_name = 'Thief' where tenant_name = 'Bank'`,
    named:
      /^auth\.tenant_s tenant_hk=[0-9a-f]{64} applied_date=.* hash_diff=[0-9a-f]{64}: hash_diff should be [0-9a-f]{64}$/,
  },
  {
    what: 'a changed value of a call',
    check: 'hashes',
    sql: `update gateway.api_request_s set customer_cost = 0 where journal_sequence = 2 and journal_writer = '${W}'`,
    named: /^gateway\.api_request_s load_date=2026-11-20 10:00:01\+00 api_request_hk=/,
  },
  {
    what: 'a changed business key',
    check: 'hashes',
    sql: `update auth.tenant_h set tenant_bk = 'thief' where tenant_bk = 'bank'`,
    named: /^auth\.tenant_h tenant_hk=[0-9a-f]{64}: tenant_hk should be/,
  },
  {
    what: 'a link that was turned to another hub',
    check: 'hashes',
    sql: `update gateway.api_request_l set customer_hk = decode(repeat('00', 32), 'hex') where load_date < '2026-11-20' and load_date > '2000-01-01'`,
    named: /^gateway\.api_request_l load_date=2026-11-19 .*: api_request_link_hk should be/,
    faults: 2,
  },
  {
    what: 'a row that is missing from a set',
    check: 'hashes',
    sql: 'delete from billing.invoice_line_s where line_number = 2',
    named: /^billing\.invoice_line_s invoice_hk=.*: hash_diff of the set should be/,
  },
  {
    what: 'a hub row that was removed',
    check: 'orphans',
    sql: `delete from auth.tenant_h where tenant_bk = 'bank'`,
    named: /^auth\.tenant_s .*: auth\.tenant_h has no tenant_hk [0-9a-f]{64}$/,
    faults: 2,
  },
  {
    what: 'the hub row of a call that was removed',
    check: 'orphans',
    sql: `delete from gateway.api_request_h where load_date = '2026-11-20 10:00:01+00'`,
    named: /gateway\.api_request_h has no api_request_hk/,
    faults: 4,
  },
  {
    what: 'a link without its hub',
    check: 'orphans',
    sql: `delete from gateway.customer_h where customer_bk = 'acme'`,
    named: /^gateway\.(api_request_l|customer_tenant_l|customer_config_s) .*: gateway\.customer_h has no customer_hk/,
    faults: 8,
  },
  {
    what: 'a duplicate key behind a dropped constraint',
    check: 'uniqueness',
    sql: `alter table auth.tenant_h drop constraint tenant_h_pkey;
      insert into auth.tenant_h select * from auth.tenant_h where tenant_bk = 'bank'`,
    named: /^auth\.tenant_h tenant_hk=[0-9a-f]{64}: 2 rows$/,
  },
  {
    what: 'a call that was loaded twice, on two days',
    check: 'uniqueness',
    sql: `insert into gateway.api_request_h select load_date + interval '1 day', api_request_hk, api_request_bk, record_source
      from gateway.api_request_h where load_date = '2026-11-19 10:00:01+00' limit 1`,
    named: /^gateway\.api_request_h api_request_hk=[0-9a-f]{64}: 2 rows, in \d+ partitions$/,
  },
  {
    what: 'a batch that is missing',
    check: 'sequences',
    sql: `delete from ops.journal_batch where writer = '${W}' and first_sequence = 1`,
    named: new RegExp(`^journal writer ${W}: the records 1 to 2 are missing$`),
    faults: 3,
  },
  {
    what: 'a batch that was loaded twice',
    check: 'sequences',
    sql: `insert into ops.journal_batch select writer, 2, 2, 1, first_instant, last_instant, first_load_date, last_load_date, loaded_at from ops.journal_batch where writer = '${W}' and first_sequence = 1`,
    named: new RegExp(`^journal writer ${W}: the records 2 to 2 were taken in twice$`),
  },
  {
    what: 'a batch whose count is wrong',
    check: 'sequences',
    sql: `update ops.journal_batch set record_count = 5 where writer = '${W}' and first_sequence = 1`,
    named: new RegExp(`^journal writer ${W}: the batch 1 to 2 counts 5 records$`),
  },
  {
    what: 'a call beyond the last sequence of its writer',
    check: 'sequences',
    sql: `update gateway.api_request_s set journal_sequence = 99 where journal_writer = '${W}' and journal_sequence = 3`,
    named: new RegExp(`\\(journal writer ${W}, record 99\\): no batch of the writer took it in`),
  },
  {
    what: 'two calls with one number',
    check: 'sequences',
    sql: `update gateway.api_request_s set intent_sequence = 1 where journal_writer = '${W}' and journal_sequence = 2`,
    named: new RegExp(`^journal writer ${W}: 2 calls claim the record 1$`),
  },
  {
    what: 'a missing ghost record',
    check: 'ghosts',
    sql: `delete from auth.tenant_s where tenant_hk = decode(repeat('00', 32), 'hex')`,
    named: /^auth\.tenant_s has 0 ghost records: it should have 1$/,
  },
  {
    what: 'a ghost record with a name',
    check: 'ghosts',
    sql: `update auth.tenant_h set tenant_bk = 'someone' where tenant_bk = 'unknown'`,
    named: /^auth\.tenant_h: the ghost record's business key should be "unknown"$/,
  },
  {
    what: 'an undeclared column',
    check: 'declarations',
    sql: 'alter table auth.tenant_h add column nickname text',
    named: /^there, but not declared: auth\.tenant_h\.nickname text null$/,
  },
  {
    what: 'a column of another type',
    check: 'declarations',
    sql: 'drop view auth.tenant_s_current, auth.tenant_s_history; alter table auth.tenant_s alter tenant_name type varchar(300)',
    named: /^declared, but not there: auth\.tenant_s\.tenant_name text$/,
    faults: 4,
  },
  {
    what: 'an undeclared table',
    check: 'declarations',
    sql: 'create table auth.secret_s (secret_hk bytea)',
    named: /^there, but not declared: auth\.secret_s\.secret_hk bytea null$/,
  },
  {
    what: 'a guard that was switched off',
    check: 'declarations',
    sql: 'alter table auth.tenant_s disable trigger refuse_change',
    named: /^declared, but not there: auth\.tenant_s guarded by refuse_change$/,
  },
  {
    what: 'a guard that was switched off on one partition',
    check: 'declarations',
    sql: 'alter table gateway.api_request_s_p20261120 disable trigger refuse_change',
    named: /^declared, but not there: gateway\.api_request_s guarded by refuse_change$/,
  },
  {
    what: 'a day that has no partition',
    check: 'partitions',
    sql: `do $$ begin execute 'drop table gateway.api_request_s_p' || to_char(current_date + 3, 'YYYYMMDD'); end $$`,
    named: /^gateway\.api_request_s has no partition for \d{8}: run `onevault job partitions`$/,
  },
  {
    what: 'a past day that one table lacks',
    check: 'partitions',
    sql: 'drop table gateway.api_request_l_p20261119',
    named: /^gateway\.api_request_l has no partition for 20261119, and others have$/,
  },
  {
    what: 'a default partition',
    check: 'partitions',
    sql: 'create table gateway.api_request_s_other partition of gateway.api_request_s default',
    named: /^api_request_s_other is a default partition/,
  },
  {
    what: 'a row that the change feed omits',
    check: 'changes',
    sql: `delete from ops.load_change where table_name = 'tenant_h' and change_id = (select max(change_id) from ops.load_change where table_name = 'tenant_h')`,
    named: /^auth\.tenant_h holds \d+ rows, and the change feed names \d+$/,
    faults: 2,
  },
  {
    what: 'leaves that are neither in the tree nor in the queue',
    check: 'logged',
    sql: 'delete from audit.leaf_queue where leaf_batch_id = 2',
    named: /^leaf batch 2 stands neither in the tree nor in the queue$/,
  },
  {
    what: 'leaves that are both in the tree and in the queue',
    check: 'logged',
    sql: `insert into audit.leaf_queue (leaf_batch_id)
      select leaf_batch_id from audit.sequenced where first_index = 0`,
    named: /^leaf batch 1 stands both in the tree and in the queue$/,
  },
  {
    what: 'a batch in the tree that does not exist',
    check: 'logged',
    sql: 'delete from audit.leaf_batch where leaf_batch_id = 1',
    named: /^leaf batch 1 is not what the tree has$/,
    faults: 2,
  },
  {
    what: 'a gap in the tree',
    check: 'logged',
    sql: 'update audit.sequenced set first_index = first_index + 7',
    named: /^the tree goes on at leaf 7 where 0 should be$/,
  },
  {
    what: 'a change without leaves',
    check: 'logged',
    sql: `delete from audit.leaf_queue where leaf_batch_id = 3;
      delete from audit.leaf_batch where leaf_batch_id = 3`,
    named: /^change \d+ of [a-z_]+ has no leaves$/,
  },
  {
    what: 'a batch of the journal without leaves',
    check: 'logged',
    sql: `delete from audit.leaf_queue where leaf_batch_id = (
        select leaf_batch_id from audit.leaf_batch where journal_writer = '${W}' and first_sequence = 1);
      delete from audit.leaf_batch where journal_writer = '${W}' and first_sequence = 1`,
    named: new RegExp(`^journal writer ${W}: the batch from record 1 on has no leaves$`),
  },
  {
    what: 'leaves that are fewer than the rows of their change',
    check: 'logged',
    sql: `update ops.load_change set row_count = row_count + 1
      where change_id = (select change_id from audit.leaf_batch where leaf_batch_id = 2)`,
    named: /^leaf batch 2: its \d+ leaves are not those of a change or of a batch of the journal$/,
  },
  {
    what: 'a guard of the log that was switched off',
    check: 'logged',
    sql: 'alter table audit.leaf_batch disable trigger refuse_change',
    named: /^audit\.leaf_batch is not guarded by refuse_change$/,
  },
];

describe('the check of the vault', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
    await fill(database.sql);
  });
  after(() => database.drop());

  const check = (
    sql: Sql | Transaction = database.sql,
    onProgress?: (progress: Progress) => void,
  ): Promise<CheckResult[]> => checkVault({ sql, registry, clock: systemClock }, onProgress);

  /** Results of the check after a damage by a superuser without triggers, which is rolled back. */
  const checkDamaged = async (damage: string): Promise<CheckResult[]> => {
    let results: CheckResult[] = [];
    await database.sql
      .begin(async (tx) => {
        await tx`set local session_replication_role = replica`;
        await tx.unsafe(damage);
        await tx`set local session_replication_role = origin`;
        results = await check(tx);
        throw new Error('undone');
      })
      .catch((error: Error) => assert.equal(error.message, 'undone'));
    return results;
  };

  it('finds no fault in a valid vault, and reports its counts and its progress', async () => {
    const progress: Progress[] = [];
    const results = await check(database.sql, (step) => progress.push(step));
    assert.deepEqual(
      results.flatMap(({ first }) => first),
      [],
    );
    for (const { check: name, checked, faults } of results) {
      // No migration recorded the definitions of a test database: test/vault/definitions.test.ts does.
      assert.ok((checked > 0 || name === 'definitions') && faults === 0, name);
    }
    const [{ total }] = await database.sql<[{ total: number }]>`
      select count(*) as total from gateway.api_request_s where load_date > '2000-01-01'`;
    assert.equal(total, 6);
    const shares = progress.map(({ done }) => done);
    assert.deepEqual(
      shares,
      shares.toSorted((a, b) => a - b),
    );
    assert.ok(Math.abs(shares.at(-1)! - 1) < 1e-9);
  });

  for (const { what, check: name, sql: damage, named, faults } of DAMAGES) {
    it(`finds and names ${what}`, async () => {
      const result = (await checkDamaged(damage)).find((each) => each.check === name)!;
      assert.ok(
        result.first.some((line) => named.test(line)),
        `${named} in ${result.first.join('\n')}`,
      );
      assert.equal(result.faults, faults ?? 1, result.first.join('\n'));
    });
  }

  it('finds and names a value without an encoding among others on its page', async () => {
    const other = await createTestDatabase();
    try {
      await fill(other.sql);
      await other.sql.begin(async (tx) => {
        await tx`set local session_replication_role = replica`;
        await tx`update gateway.api_request_s set customer_cost = 'NaN' where journal_sequence = 2`;
        await tx`update gateway.api_request_s set customer_cost = 1 where journal_sequence = 1`;
      });
      const { first, faults, checked } = (await check(other.sql)).find((each) => each.check === 'hashes')!;
      assert.equal(faults, 4, first.join('\n'));
      assert.equal(first.filter((line) => /it cannot be hashed: NaN is not finite$/.test(line)).length, 2);
      assert.ok(checked > 24);
    } finally {
      await other.drop();
    }
  });

  it('reports a missing table and continues', async () => {
    const other = await createTestDatabase();
    try {
      await other.sql`drop table auth.tenant_h`;
      const results = await check(other.sql);
      const { first } = results.find((each) => each.check === 'orphans')!;
      assert.ok(
        first.some((line) => /auth\.tenant_h cannot be checked: relation "auth\.tenant_h" does not exist/.test(line)),
      );
      assert.ok(results.find((each) => each.check === 'hashes')!.checked > 0);
    } finally {
      await other.drop();
    }
  });

  it('names the first of many faults and counts all of them', async () => {
    const results = await checkDamaged(`
      insert into auth.tenant_s
      select sha256(n::text::bytea), '2026-01-01', '2026-01-01', sha256('x'), n::text, 'x', 'damage'
      from generate_series(1, 30000) n`);
    for (const name of ['hashes', 'orphans']) {
      const { faults, first } = results.find((each) => each.check === name)!;
      assert.equal(faults, 30_000, name);
      assert.ok(first.length >= 5 && first.length <= 20, name);
    }
  });
});
