import { setTimeout as sleep } from 'node:timers/promises';
import { latestCheckpoint } from '../../audit/checkpoints.ts';
import type { Clock } from '../../core/clock.ts';
import { createIds } from '../../core/ids.ts';
import type { Sql } from '../../postgres/connect.ts';
import { createLoader } from '../../vault/load.ts';
import type { Registry } from '../../vault/registry.ts';
import { createRowBuilder } from '../../vault/rows.ts';
import type { Transaction } from '../../vault/transaction.ts';
import { stampWrites } from '../../vault/write.ts';
import { type CertificateInput, certificateName, certificateRows } from './certificate.ts';
import { readDayLeaves } from './day-leaves.ts';
import { readDayUsage } from './day-usage.ts';
import { surveyDay } from './survey-day.ts';

export interface DestroyDeps {
  readonly sql: Sql;
  readonly registry: Registry;
  readonly clock: Clock;
}

export interface DestroyInput {
  /** `YYYY-MM-DD` */
  readonly day: string;
  readonly retention_days: number;
  /** Business key of the run of the job. */
  readonly job_run: string;
}

/** Result for a day: destroyed under a certificate, or kept for reasons. */
export type DayOutcome =
  | { readonly certificate: string; readonly call_count: number }
  | { readonly certificate: null; readonly reasons: readonly string[] };

/**
 * Destroys a day of calls and writes its certificate, both or neither, unless a reason keeps it. Readers and writers of
 * other days continue; readers of all days wait while the tables are dropped.
 */
export const destroyDay = async (deps: DestroyDeps, input: DestroyInput): Promise<DayOutcome> => {
  const { sql, registry } = deps;
  const { day } = input;
  try {
    return (await sql.begin(async (tx) => {
      // Recomputing millions of hashes takes long, and each part of it is a statement of its own.
      await tx`set local idle_in_transaction_session_timeout = 0`;
      await tx`set local lock_timeout = '5s'`;
      await tx`select util.lock_day(${day}::text::date)`;
      const survey = await surveyDay(tx, day);
      if (survey.reasons.length > 0) return { certificate: null, reasons: survey.reasons };
      const checkpoint = await latestCheckpoint(tx);
      const leaves = await readDayLeaves(tx, registry, day, checkpoint?.tree_size ?? 0);
      if (leaves.faults.length > 0) return { certificate: null, reasons: leaves.faults };
      const usage = await readDayUsage(tx, day);
      const certificate = certificateName(day, 1 + (await countCertificates(tx, day)));
      const event_id = createIds(deps.clock)();
      await dropCertified(deps, tx, { ...input, certificate, event_id, survey, leaves, usage, checkpoint });
      return { certificate, call_count: survey.call_count };
    })) as DayOutcome;
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    // A new hold, or a day that is too recent by the database's own limit.
    if (code === OBJECT_IN_USE) return { certificate: null, reasons: [message] };
    if (code === LOCK_NOT_AVAILABLE)
      return {
        certificate: null,
        reasons: ['somebody reads or writes calls without an end; it is tried again'],
      };
    throw error;
  }
};

// PostgreSQL's manual, appendix A.
const LOCK_NOT_AVAILABLE = '55P03';
const OBJECT_IN_USE = '55006';
const MAX_ATTEMPTS = 20;
const RETRY_WAIT_MS = 1_000;

const countCertificates = async (tx: Transaction, day: string): Promise<number> => {
  const [row] = await tx<[{ certificates: number }]>`
    select count(distinct destruction_certificate_hk) as certificates
    from ops.destruction_certificate_s
    where destroyed_day = ${day}::text::date`;
  return row!.certificates;
};

/**
 * Writes the certificate and drops the day. The lock of the tables is requested for a short time, and again: a request
 * that waits for a table in use blocks all later ones, and no answer is final while this transaction writes.
 */
const dropCertified = async (
  { registry, clock }: DestroyDeps,
  tx: Transaction,
  input: CertificateInput & DestroyInput,
): Promise<void> => {
  const rows = createRowBuilder(registry);
  const load = createLoader({ registry, now: clock.now });
  for (let attempt = 1; ; attempt += 1) {
    try {
      await tx.savepoint(async (part) => {
        const load_date = await stampWrites(part, clock);
        const stamp = { load_date, applied_date: load_date, record_source: 'pipeline.retention' };
        const { refused } = await load(part, certificateRows(rows, input, stamp));
        if (refused > 0) throw new Error(`the vault refused ${refused} rows of ${input.certificate}`);
        // Shorter than PostgreSQL's deadlock timeout, after which it could end another transaction.
        await part`set local lock_timeout = '300ms'`;
        await part`select util.drop_day(${input.day}::text::date, ${input.certificate})`;
      });
      return;
    } catch (error) {
      const is_busy = (error as { code?: unknown }).code === LOCK_NOT_AVAILABLE;
      if (!is_busy || attempt === MAX_ATTEMPTS) throw error;
      await sleep(RETRY_WAIT_MS);
    }
  }
};
