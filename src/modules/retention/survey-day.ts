import type { Sql } from '../../postgres/connect.ts';
import type { Transaction } from '../../vault/transaction.ts';
import { lastWatermark } from '../jobs-admin/service.ts';
import { boundsOf } from './due-days.ts';

/** Contents of a day, and the reasons to keep it. */
export interface DaySurvey {
  readonly day: string;
  readonly call_count: number;
  readonly customer_count: number;
  /** Instants of the first and the last call; null without calls. */
  readonly first_request: string | null;
  readonly last_request: string | null;
  /** Slugs of the customers, ghost records left out. */
  readonly customers: readonly string[];
  /** Empty without a reason to keep it. */
  readonly reasons: readonly string[];
}

interface WriterReach {
  readonly journal_writer: string;
  readonly last_sequence: number;
}

/** Surveys a day of calls, without a comparison with the audit log. */
export const surveyDay = async (sql: Sql | Transaction, day: string): Promise<DaySurvey> => {
  const { from, to } = boundsOf(day);
  const [calls] = await sql<[{ call_count: number; first_request: string | null; last_request: string | null }]>`
    select count(*) as call_count, min(request_timestamp) as first_request, max(request_timestamp) as last_request
    from gateway.api_request_s
    where load_date >= ${from}::text::timestamptz
      and load_date < ${to}::text::timestamptz`;
  const customers = await sql<{ customer: string | null; holds: string[] }[]>`
    select customer.customer_bk as customer, array_remove(array_agg(hold.legal_hold_bk), null) as holds
    from (
      select distinct customer_hk
      from gateway.api_request_l
      where load_date >= ${from}::text::timestamptz
        and load_date < ${to}::text::timestamptz
        and customer_hk <> decode(repeat('00', 32), 'hex')) call
    left join gateway.customer_h customer using (customer_hk)
    left join privacy.legal_hold_customer_l held using (customer_hk)
    left join privacy.legal_hold_s_current state
      on state.legal_hold_hk = held.legal_hold_hk and state.hold_status = 'ACTIVE'
    left join privacy.legal_hold_h hold on hold.legal_hold_hk = state.legal_hold_hk
    group by call.customer_hk, customer.customer_bk
    order by customer.customer_bk`;
  const writers = await sql<WriterReach[]>`
    select journal_writer, max(journal_sequence) as last_sequence
    from gateway.api_request_s
    where load_date >= ${from}::text::timestamptz
      and load_date < ${to}::text::timestamptz
    group by journal_writer`;
  return {
    day,
    ...calls!,
    customer_count: customers.length,
    customers: customers.flatMap(({ customer }) => customer ?? []),
    reasons: [
      ...customers.flatMap(({ customer, holds }) =>
        holds.map((hold) => `the customer ${customer} is under the legal hold ${hold}`),
      ),
      ...(await missingRecords(sql, writers)),
      ...(await unreadCalls(sql, writers, calls!.last_request)),
    ],
  };
};

/** Records before the day's calls that are in no batch: more calls of the day may still arrive. */
const missingRecords = async (sql: Sql | Transaction, writers: readonly WriterReach[]): Promise<string[]> => {
  const gaps = await sql<{ writer: string; first_missing: number; last_missing: number }[]>`
    select writer, first_missing, first_sequence - 1 as last_missing
    from (
      select b.writer, b.first_sequence,
        1 + coalesce(lag(b.last_sequence) over (partition by b.writer order by b.first_sequence), 0) as first_missing
      from unnest(
        ${writers.map(({ journal_writer }) => journal_writer)}::uuid[],
        ${writers.map(({ last_sequence }) => last_sequence)}::bigint[]) as reach (writer, last_sequence)
      join ops.journal_batch b on b.writer = reach.writer and b.first_sequence <= reach.last_sequence) batch
    where first_sequence > first_missing
    order by writer, first_missing
    limit 10`;
  return gaps.map(
    ({ writer, first_missing, last_missing }) =>
      `the records ${first_missing} to ${last_missing} of the journal writer ${writer} are not loaded`,
  );
};

/** Jobs that must have read a call before it may be destroyed. */
const READERS = ['performance-windows', 'spend', 'invoices'] as const;

const unreadCalls = async (
  sql: Sql | Transaction,
  writers: readonly WriterReach[],
  last_request: string | null,
): Promise<string[]> => {
  if (last_request === null) return [];
  const reasons: string[] = [];
  for (const job of READERS) {
    const read = await lastWatermark(sql, job);
    const is_read =
      read !== null &&
      writers.every(({ journal_writer, last_sequence }) => (read.writers[journal_writer] ?? 0) >= last_sequence);
    // Invoices cover ended months; the other jobs cover all calls before their instant.
    const is_covered =
      read !== null &&
      (job === 'invoices'
        ? read.at.slice(0, 7) > last_request.slice(0, 7)
        : Date.parse(read.at) > Date.parse(last_request));
    if (!is_read || !is_covered) reasons.push(`the job ${job} has not read all of its calls`);
  }
  return reasons;
};
