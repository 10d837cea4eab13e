import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { createLog } from '../core/log.ts';
import { runJob } from '../jobs/run-job.ts';
import { writeInvoiceDocuments } from '../modules/billing/write-documents.ts';
import { pullReport, type ReportInput } from '../modules/reports/pull-report.ts';
import { connect } from '../postgres/connect.ts';
import type { Config } from '../server/config.ts';
import { openDatabaseForCommand } from '../server/database.ts';
import { JOBS } from '../server/jobs.ts';
import { dataPaths, PROJECT, readVersion } from '../server/paths.ts';
import { openSubjectKms } from '../server/subject-kms.ts';
import { loadRegistry } from '../vault/registry.ts';
import { commandActor, withCommandEvent } from './command-events.ts';
import { INVOICES, type InstantOptions, jobInstant } from './job-instant.ts';

export interface JobOptions extends InstantOptions {
  readonly out?: string;
}

/** `onevault job NAME`: runs one job by hand and prints its result; `invoices` also writes the documents. */
export const jobCommand = async (config: Config, name: string, options: JobOptions): Promise<void> => {
  const at = jobInstant(systemClock, name, options);
  const log = createLog(config.log_level, 'job');
  const database = await openDatabaseForCommand(config, log);
  const sql = connect(database.url, { application_name: 'onevault job', max_connections: 1 });
  try {
    const registry = loadRegistry(PROJECT.entities);
    const deps = {
      jobs: JOBS,
      registry,
      log,
      clock: systemClock,
      database_url: database.url,
      project_dir: PROJECT.dbt_project,
      retention_days: config.retention_days,
      open_subject_kms: () => openSubjectKms({ config, database_url: database.url, log }),
    };
    const run = await withCommandEvent(
      { sql, registry },
      { action: 'job.run', subject_kind: 'job', subject: name, after: { at } },
      () => runJob(deps, name, { at, allow_future: options.allowFuture === true }),
    );
    console.log(JSON.stringify(run, null, 2));
    if (name === INVOICES) await writeInvoices(config, database.url, options);
  } finally {
    await sql.end({ timeout: 1 });
    await database.stop();
  }
};

const writeInvoices = async (config: Config, database_url: string, { out, period }: JobOptions): Promise<void> => {
  const sql = connect(database_url, { application_name: 'onevault invoices', max_connections: 2 });
  try {
    const folder = resolve(out ?? dataPaths(config.data_dir).invoices);
    const files = await writeInvoiceDocuments({ sql, registry: loadRegistry(PROJECT.entities) }, { folder, period });
    for (const file of files) console.log(`${file.invoice_number} ${file.customer}: ${file.html_path}`);
  } finally {
    await sql.end({ timeout: 1 });
  }
};

export interface ReportOptions {
  readonly from: string;
  readonly to: string;
  readonly known?: string;
  readonly format: string;
  readonly customer?: string;
  readonly requestedBy?: string;
  readonly out?: string;
}

/** `onevault report NAME`: pulls a report into a file, or onto standard output. */
export const reportCommand = async (config: Config, name: string, options: ReportOptions): Promise<void> => {
  const log = createLog(config.log_level, 'report');
  const database = await openDatabaseForCommand(config, log);
  const sql = connect(database.url, {
    application_name: 'onevault report',
    max_connections: 2,
    statement_timeout_ms: 0,
  });
  try {
    const deps = {
      sql,
      clock: systemClock,
      registry: loadRegistry(PROJECT.entities),
      reports_dir: PROJECT.reports,
      code_version: readVersion(),
      actor: commandActor(),
    };
    const { from, to, known, format, customer } = options;
    const requested_by = options.requestedBy ?? commandActor().actor;
    const input: ReportInput = { name, from, to, known, format, customer, requested_by };
    const pulled = await writeTo(options.out, (write) => pullReport(deps, input, write));
    console.error(`report ${pulled.report_id}, known at ${pulled.known}: ${pulled.row_count} rows`);
  } finally {
    await sql.end({ timeout: 1 });
    await database.stop();
  }
};

/** Hands over a function that writes text to the file, or to standard output, and waits while it is full. */
const writeTo = async <T>(
  out: string | undefined,
  work: (write: (text: string) => Promise<void>) => Promise<T>,
): Promise<T> => {
  const stream = out === undefined ? process.stdout : createWriteStream(resolve(out));
  const result = await work(async (text) => {
    if (!stream.write(text)) await once(stream, 'drain');
  });
  if (out !== undefined) {
    stream.end();
    await once(stream, 'finish');
  }
  return result;
};
