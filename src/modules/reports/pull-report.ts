import { createHash } from 'node:crypto';
import type { Actor } from '../../audit/event.ts';
import { canonicalJson } from '../../core/canonical-json.ts';
import { type Clock, instantOf } from '../../core/clock.ts';
import type { Sql } from '../../postgres/connect.ts';
import { cutOffAt } from '../../vault/known.ts';
import { createLoader } from '../../vault/load.ts';
import type { Registry } from '../../vault/registry.ts';
import { createRowBuilder } from '../../vault/rows.ts';
import type { Transaction } from '../../vault/transaction.ts';
import { writeVault } from '../../vault/write.ts';
import { gatherEvidence } from './evidence.ts';
import { createPullRecorder } from './record-pull.ts';
import { RENDERERS } from './render/renderers.ts';
import { type ReportDefinition, readReport, type Section } from './report-definition.ts';
import { checkReportInput, type ReportInput, type ReportParameters } from './report-input.ts';
import { bindParameters } from './report-sql.ts';

export type { ReportInput };

export interface ReportDeps {
  readonly sql: Sql;
  readonly registry: Registry;
  readonly clock: Clock;
  /** The folder that holds one folder a report. */
  readonly reports_dir: string;
  /** Version of the product, for the evidence block. */
  readonly code_version: string;
  /** Actor of the pull, for the audit log. */
  readonly actor: Actor;
}

export interface PulledReport {
  /** The same for the same parameters; pulling again adds a row to report_s. */
  readonly report_id: string;
  readonly known: string;
  /** Rows of all sections. */
  readonly row_count: number;
  /** Hex. */
  readonly document_sha256: string;
  readonly sql_sha256: string;
}

/** Receiver of a document's pieces; the next piece waits for it. */
export type WriteText = (text: string) => Promise<void> | void;

const BATCH_ROWS = 1_000;
const ID_LENGTH = 16;

/**
 * Renders a report as known at an instant, passes it to `write` in pieces, and records the pull: in the audit log before
 * the first byte is sent, and at its end with its hash. The same parameters and instant give the same bytes,
 * also after later loads.
 * @throws InputError (bad parameters), or what `write` or PostgreSQL throws
 */
export const pullReport = async (deps: ReportDeps, input: ReportInput, write: WriteText): Promise<PulledReport> => {
  const { sql, clock, reports_dir, code_version } = deps;
  const report = readReport(reports_dir, input.name);
  const parameters = await checkReportInput(sql, clock, input);
  const report_id = idOf(report, parameters);
  const hash = createHash('sha256');
  const emit = async (text: string): Promise<void> => {
    hash.update(text);
    await write(text);
  };
  const recorder = createPullRecorder(deps, deps.actor, report_id);
  const row_count = await sql
    .begin('isolation level repeatable read read only', async (tx) => {
      // While a slow reader takes a piece, the transaction is idle.
      await tx`set local idle_in_transaction_session_timeout = 0`;
      const values = await sqlParameters(tx, parameters);
      const sources = bindParameters(report.sources_sql, values);
      const evidence = await gatherEvidence(tx, { report, report_id, parameters, code_version, sources });
      await recorder.begins(tx, bindParameters(report.customers_sql, values));
      return render(tx, report, parameters, values, {
        emit,
        head: RENDERERS[parameters.format].begin(evidence),
      });
    })
    .catch(async (error: unknown) => {
      await recorder.fails(error);
      throw error;
    });
  const pulled = {
    report_id,
    known: parameters.known,
    row_count: row_count as number,
    document_sha256: hash.digest('hex'),
    sql_sha256: report.sql_sha256,
  };
  await recordPull(deps, report, parameters, pulled);
  return pulled;
};

type SqlParameters = Readonly<Record<string, string | null>>;

const sqlParameters = async (
  tx: Transaction,
  { from, to, known, customer }: ReportParameters,
): Promise<SqlParameters> => ({
  from,
  to,
  known,
  customer,
  cut_off: JSON.stringify(await cutOffAt(tx, known)),
});

interface Output {
  readonly emit: (text: string) => Promise<void>;
  readonly head: string;
}

/** Writes the document and resolves to the rows of all sections. */
const render = async (
  tx: Transaction,
  report: ReportDefinition,
  { format }: ReportParameters,
  values: SqlParameters,
  { emit, head }: Output,
): Promise<number> => {
  const renderer = RENDERERS[format];
  let total = 0;
  await emit(head);
  for (const [place, section] of report.sections.entries()) {
    await emit(renderer.beginSection(section, place === 0));
    const { text, values: bound } = bindParameters(section.sql, values);
    let count = 0;
    for await (const rows of tx.unsafe<Record<string, unknown>[]>(text, bound).cursor(BATCH_ROWS)) {
      if (count === 0) checkColumns(section, rows[0]!);
      await emit(renderer.rows(section, rows, count === 0));
      count += rows.length;
    }
    await emit(renderer.endSection(section, count));
    total += count;
  }
  await emit(renderer.end());
  return total;
};

/** @throws Error if a section's SQL and schema name different columns, because a value would be lost silently */
const checkColumns = ({ name, columns }: Section, row: Readonly<Record<string, unknown>>): void => {
  const described = columns.map((column) => column.name);
  if (Object.keys(row).join() === described.join()) return;
  throw new Error(`section ${name}: the SQL gives ${Object.keys(row).join(', ')}, the schema ${described.join(', ')}`);
};

const idOf = ({ name }: ReportDefinition, parameters: ReportParameters): string => {
  const digest = createHash('sha256')
    .update(canonicalJson({ name, ...parameters }, 'report'))
    .digest('hex');
  return `${name}/${digest.slice(0, ID_LENGTH)}`;
};

/** Writes one row of report_s for a pull. @throws Error if the vault refuses it */
const recordPull = async (
  { sql, registry, clock }: ReportDeps,
  report: ReportDefinition,
  { requested_by, format, ...parameters }: ReportParameters,
  pulled: PulledReport,
): Promise<void> => {
  const rows = createRowBuilder(registry);
  const load = createLoader({ registry, now: clock.now });
  const { refused } = await writeVault(sql, clock, (tx, load_date) => {
    const stamp = { load_date, applied_date: load_date, record_source: 'pipeline.reports' };
    const key = { report_bk: pulled.report_id };
    const report_hk = rows.hubKey('report_h', key);
    const payload = {
      report_name: report.name,
      parameters,
      requested_by,
      format,
      known_at: pulled.known,
      generated_at: instantOf(clock.now()),
      row_count: pulled.row_count,
      document_sha256: pulled.document_sha256,
      sql_sha256: pulled.sql_sha256,
    };
    const { customer } = parameters;
    return load(tx, [
      rows.hub('report_h', key, stamp),
      rows.satellite('report_s', report_hk, payload, stamp),
      ...(customer === null
        ? []
        : [
            rows.link(
              'report_customer_l',
              { report_hk, customer_hk: rows.hubKey('customer_h', { customer_bk: customer }) },
              stamp,
            ),
          ]),
    ]);
  });
  if (refused > 0) throw new Error(`the vault refused the record of the report ${pulled.report_id}`);
};
