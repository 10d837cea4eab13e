import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { listKeys } from '../../../src/audit/checkpoints.ts';
import { createReadLeaves } from '../../../src/audit/read-leaves.ts';
import { sealTree } from '../../../src/audit/seal-tree.ts';
import { verifyMoment } from '../../../src/audit/verify-vault.ts';
import { type Clock, fixedClock, instantOf } from '../../../src/core/clock.ts';
import { runJob } from '../../../src/jobs/run-job.ts';
import type { Sql } from '../../../src/postgres/connect.ts';
import { checkVault } from '../../../src/vault/check/check-vault.ts';
import { createLoader } from '../../../src/vault/load.ts';
import { makePartitionsAhead } from '../../../src/vault/partitions.ts';
import { createRowBuilder } from '../../../src/vault/rows.ts';
import type { Transaction } from '../../../src/vault/transaction.ts';
import { createVerifier, type Report } from '../../../verifier/onevault-verify.mjs';
import { testKeyring } from '../../audit/audit-fixture.ts';
import {
  addCustomer,
  type CallFeed,
  createCallFeed,
  jobDeps,
  type TestCall,
  testRegistry,
} from '../../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

/** After every call of these tests. */
export const NOW = '2026-11-21T10:00:00.000Z';
export const RETENTION_DAYS = 183;

/** A vault whose calls are old enough to go, and the jobs that have to have read them. */
export interface OldVault {
  readonly database: TestDatabase;
  readonly sql: Sql;
  readonly clock: Clock & { advance(by_ms: number): void };
  readonly feed: CallFeed;
  /** A call as it came in at an instant. */
  send(...calls: readonly TestCall[]): Promise<void>;
  /** Covers all leaves by a checkpoint. */
  seal(): Promise<void>;
  /** Runs what has to have read calls before they go; invoices for a month later each time. */
  settle(): Promise<void>;
  /** Runs the retention job. */
  retain(options?: { at?: string; retention_days?: number }): ReturnType<typeof runJob>;
  /** Lays a legal hold on a customer, or releases it. */
  hold(customer: string, status?: 'ACTIVE' | 'RELEASED'): Promise<void>;
  verify(): Promise<Report>;
  /** The same of what a transaction sees. */
  verifyIn(tx: Transaction): Promise<Report>;
  /** @throws AssertionError unless the vault's own check and the log's verification find nothing */
  assertSound(): Promise<void>;
}

export const createOldVault = async (customers: readonly string[] = ['acme', 'bolt']): Promise<OldVault> => {
  const database = await createTestDatabase();
  const { sql } = database;
  const clock = fixedClock(NOW);
  const keyring = testKeyring(sql, clock, randomBytes(32));
  const registry = testRegistry();
  const feed = createCallFeed(sql, clock);
  const rows = createRowBuilder(registry);
  await makePartitionsAhead(sql, clock.now());
  for (const customer of customers) await addCustomer(sql, { customer });
  let months = 0;
  const vault: OldVault = {
    database,
    sql,
    clock,
    feed,
    send: (...calls) => feed.send(calls),
    seal: async () => {
      clock.advance(60_000);
      await sealTree(sql, { keyring, clock, published: null, is_check_forced: false });
    },
    settle: async () => {
      months += 1;
      const deps = jobDeps(database, clock);
      clock.advance(1_000);
      const at = instantOf(clock.now());
      await runJob(deps, 'performance-windows', { at });
      await runJob(deps, 'spend', { at });
      const month = new Date(Date.UTC(2026, 10 + months, 1, 0, 15)).toISOString();
      await runJob(deps, 'invoices', { at: month, allow_future: true });
      await runJob(deps, 'spend', { at });
      await vault.seal();
    },
    retain: ({ at = NOW, retention_days = RETENTION_DAYS } = {}) =>
      runJob({ ...jobDeps(database, clock), retention_days }, 'retention', { at }),
    hold: async (customer, status = 'ACTIVE') => {
      clock.advance(1_000);
      const at = instantOf(clock.now());
      const stamp = { load_date: at, applied_date: at, record_source: 'test' };
      const key = { legal_hold_bk: `hold-of-${customer}` };
      const legal_hold_hk = rows.hubKey('legal_hold_h', key);
      const customer_hk = rows.hubKey('customer_h', { customer_bk: customer });
      const state = { hold_status: status, reason: 'case 22/117', decided_by: 'counsel' } as const;
      const { refused } = await createLoader({ registry, now: clock.now })(sql, [
        rows.hub('legal_hold_h', key, stamp),
        rows.link('legal_hold_customer_l', { legal_hold_hk, customer_hk }, stamp),
        rows.satellite('legal_hold_s', legal_hold_hk, state, stamp),
      ]);
      assert.equal(refused, 0);
    },
    verify: async () =>
      (await sql.begin('isolation level repeatable read read only', (tx) => vault.verifyIn(tx))) as Report,
    verifyIn: async (tx) => {
      const keys = (await listKeys(sql)).map(({ verifier_key }) => verifier_key);
      const verifier = createVerifier({ keys, is_live: true });
      const deps = { registry, readLeaves: createReadLeaves(registry) };
      await verifyMoment(tx, deps, verifier, { made_at: NOW });
      return verifier.finish();
    },
    assertSound: async () => {
      const faults = (await checkVault({ sql, registry, clock })).flatMap(({ first }) => first);
      assert.deepEqual(faults, []);
      assert.deepEqual((await vault.verify()).faults, []);
    },
  };
  return vault;
};

/** The days that have partitions before a day, of each table the same. */
export const daysBefore = async (sql: Sql, before = '2026-11-01'): Promise<string[]> => {
  const found = await sql<{ days: string[] | null }[]>`
    select array_agg(day order by day) as days
    from (
      select i.inhparent, to_date(right(c.relname, 8), 'YYYYMMDD')::text as day
      from pg_inherits i
      join pg_class c on c.oid = i.inhrelid
      where i.inhparent::regclass::text like 'gateway.api_request_%'
        and c.relname ~ '_p[0-9]{8}$') partition
    where day < ${before}
    group by inhparent`;
  for (const { days } of found) assert.deepEqual(days, found[0]?.days);
  return found[0]?.days ?? [];
};

/** The days for which there are certificates, with how many calls, in order. */
export const certificates = async (sql: Sql) => [
  ...(await sql<{ certificate: string; day: string; calls: number }[]>`
    select h.destruction_certificate_bk as certificate, s.destroyed_day::text as day, s.call_count as calls
    from ops.destruction_certificate_h h
    join ops.destruction_certificate_s_current s using (destruction_certificate_hk)
    where h.destruction_certificate_bk <> 'unknown'
    order by 1`),
];

/** Every total that calls were ever summed up to: spend by month, invoices. */
export const totals = async (sql: Sql) => ({
  spend: [
    ...(await sql`
      select h.spending_bk, s.total_requests, s.total_tokens, s.total_provider_cost, s.total_gateway_revenue,
        s.total_customer_charges, s.cost_by_provider, s.cost_by_model
      from gateway.customer_spending_h h
      join gateway.customer_spending_s_current s using (spending_hk)
      where h.spending_bk <> 'unknown'
      order by 1`),
  ],
});
