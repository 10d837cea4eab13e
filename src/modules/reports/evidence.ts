import type { Transaction } from '../../vault/transaction.ts';
import type { Evidence, SourceCount, WriterCompleteness } from './evidence-block.ts';
import { readLogCoverage } from './log-coverage.ts';
import type { ReportDefinition } from './report-definition.ts';
import type { ReportParameters } from './report-input.ts';
import type { Statement } from './report-sql.ts';

export interface EvidenceInput {
  readonly report: ReportDefinition;
  readonly report_id: string;
  readonly parameters: ReportParameters;
  readonly code_version: string;
  readonly sources: Statement;
}

/** Gathers the evidence as known at the report's instant. */
export const gatherEvidence = async (tx: Transaction, input: EvidenceInput): Promise<Evidence> => {
  const { report, parameters } = input;
  const sources = await tx.unsafe<SourceCount[]>(input.sources.text, input.sources.values);
  const journal = await readCompleteness(tx, parameters.known);
  return {
    report_id: input.report_id,
    report: report.name,
    title: report.title,
    regulation: report.regulation,
    articles: report.articles,
    purpose: report.purpose,
    tenant: await tenantOf(tx, parameters),
    customer: parameters.customer ?? 'all',
    period: { from: parameters.from, to: parameters.to },
    known_at: parameters.known,
    requested_by: parameters.requested_by,
    format: parameters.format,
    generator: 'OneVault Gateway',
    code_version: input.code_version,
    sql_sha256: report.sql_sha256,
    sources: [...sources],
    journal,
    audit_log: await readLogCoverage(tx, parameters),
    exceptions: [...(await exceptionsOf(tx, parameters.known, journal)), ...(await destroyedOf(tx, parameters))],
    retention_class: report.retention_class,
    reviewer: '',
    reviewed_at: '',
    sign_off: '',
  };
};

const readCompleteness = async (tx: Transaction, known: string): Promise<WriterCompleteness[]> => [
  ...(await tx<WriterCompleteness[]>`
    select
      writer,
      max(last_sequence) as expected,
      sum(record_count)::bigint as found,
      coalesce(
        array_agg((previous + 1) || '-' || (first_sequence - 1) order by first_sequence)
          filter (where first_sequence > previous + 1),
        '{}') as gaps
    from (
      select
        b.writer,
        b.first_sequence,
        b.last_sequence,
        b.record_count,
        coalesce(lag(b.last_sequence) over (partition by b.writer order by b.first_sequence), 0) as previous
      from ops.journal_batch b
      where b.loaded_at <= ${known}::text::timestamptz) batch
    group by writer
    order by writer`),
];

/** The slug of the customer's tenant, or `all`. */
const tenantOf = async (tx: Transaction, { customer, known }: ReportParameters): Promise<string> => {
  if (customer === null) return 'all';
  const rows = await tx<{ tenant_bk: string }[]>`
    select t.tenant_bk
    from gateway.customer_h c
    join gateway.customer_tenant_l l on l.customer_hk = c.customer_hk
    join auth.tenant_h t on t.tenant_hk = l.tenant_hk
    where c.customer_bk = ${customer}
      and l.load_date <= ${known}::text::timestamptz
    order by t.tenant_bk collate "C"`;
  return rows.length === 0 ? 'none' : rows.map((row) => row.tenant_bk).join(', ');
};

/**
 * Days of the period with destroyed calls, at any time of destruction: no report contains destroyed calls, not even one
 * as of an earlier instant.
 */
const destroyedOf = async (tx: Transaction, { from, to, customer }: ReportParameters): Promise<string[]> => {
  const days = await tx<{ day: string; certificate: string; calls: number }[]>`
    select s.destroyed_day::text as day, h.destruction_certificate_bk as certificate,
      ${customer === null ? tx`s.call_count` : tx`usage.calls`} as calls
    from ops.destruction_certificate_h h
    join ops.destruction_certificate_s_current s using (destruction_certificate_hk)
    left join lateral (
      select sum(u.call_count)::bigint as calls
      from ops.destruction_usage_s_current u
      where u.destruction_certificate_hk = h.destruction_certificate_hk
        and u.customer = ${customer}) usage on true
    where s.first_request < ${to}::text::timestamptz
      and s.last_request >= ${from}::text::timestamptz
      and ${customer === null ? tx`true` : tx`usage.calls > 0`}
    order by h.destruction_certificate_bk`;
  return days.map(
    ({ day, certificate, calls }) =>
      `${calls} calls that were recorded on ${day} were destroyed after their retention: certificate ${certificate}`,
  );
};

const exceptionsOf = async (
  tx: Transaction,
  known: string,
  journal: readonly WriterCompleteness[],
): Promise<string[]> => {
  const exceptions = journal
    .filter(({ expected, found }) => expected !== found)
    .map(
      ({ writer, expected, found, gaps }) =>
        `journal writer ${writer}: ${found} of ${expected} records found, missing ${gaps.join(', ')}`,
    );
  const [row] = await tx<{ refused: number }[]>`
    select count(*) as refused
    from ops.load_error e
    where e.refused_at <= ${known}::text::timestamptz`;
  const refused = row?.refused ?? 0;
  if (refused > 0) exceptions.push(`${refused} records were refused by the vault; they stand in ops.load_error`);
  return exceptions;
};
