import { resolve } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { runJob } from '../jobs/run-job.ts';
import { writeInvoiceDocuments } from '../modules/billing/write-documents.ts';
import type { Config } from '../server/config.ts';
import { createJobDeps } from '../server/jobs.ts';
import { openSubjectKms } from '../server/open-subject-kms.ts';
import { dataPaths } from '../server/paths.ts';
import { type CommandDeps, runCommand } from './command.ts';
import { withCommandEvent } from './command-events.ts';
import { INVOICES, type InstantOptions, jobInstant } from './job-instant.ts';

export interface JobOptions extends InstantOptions {
  readonly out?: string;
}

/** `onevault job NAME`: runs one job by hand and prints its result; `invoices` also writes the documents. */
export const jobCommand = async (config: Config, name: string, options: JobOptions): Promise<void> => {
  const at = jobInstant(systemClock, name, options);
  await runCommand(config, { name: 'job', max_connections: 2 }, async (command) => {
    const { registry, log, database_url } = command;
    const deps = createJobDeps({
      registry,
      log,
      clock: systemClock,
      database_url,
      retention_days: config.retention_days,
      open_subject_kms: () => openSubjectKms({ config, database_url, log }),
    });
    const event = { action: 'job.run', subject_kind: 'job', subject: name, after: { at } };
    const run = await withCommandEvent(command, event, () =>
      runJob(deps, name, { at, allow_future: options.allowFuture === true }),
    );
    console.log(JSON.stringify(run, null, 2));
    if (name === INVOICES) await writeInvoices(command, options);
  });
};

const writeInvoices = async (command: CommandDeps, { out, period }: JobOptions): Promise<void> => {
  const folder = resolve(out ?? dataPaths(command.config.data_dir).invoices);
  const files = await writeInvoiceDocuments(command, { folder, period });
  for (const file of files) console.log(`${file.invoice_number} ${file.customer}: ${file.html_path}`);
};
