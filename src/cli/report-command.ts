import { pullReport, type ReportInput } from '../modules/reports/pull-report.ts';
import type { Config } from '../server/config.ts';
import { PROJECT, readVersion } from '../server/paths.ts';
import { runCommand } from './command.ts';
import { withOutput } from './output.ts';

export interface ReportOptions {
  readonly from: string;
  readonly to: string;
  readonly known?: string;
  readonly format: string;
  readonly customer?: string;
  readonly requestedBy?: string;
  readonly out?: string;
}

/** `onevault report NAME`: writes a report to a file or to standard output. */
export const reportCommand = (config: Config, name: string, options: ReportOptions): Promise<void> =>
  runCommand(config, { name: 'report', max_connections: 2, statement_timeout_ms: 0 }, async (command) => {
    const { from, to, known, format, customer } = options;
    const requested_by = options.requestedBy ?? command.actor.actor;
    const input: ReportInput = { name, from, to, known, format, customer, requested_by };
    const deps = { ...command, reports_dir: PROJECT.reports, code_version: readVersion() };
    const pulled = await withOutput(options.out, (write) => pullReport(deps, input, write));
    console.error(`report ${pulled.report_id}, known at ${pulled.known}: ${pulled.row_count} rows`);
  });
