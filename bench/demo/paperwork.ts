import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InvoiceDocument } from '../../src/modules/billing/invoice-document.ts';
import type { CommandOutput, RunningProduct } from '../support/product.ts';
import type { InvoiceTotals } from './ledger.ts';

const WINDOW_MS = 5 * 60_000;
const REPORT_FORMATS = ['json', 'csv', 'html'] as const;
const REQUESTER = 'demo';
// The scheduler may run the same job at that time, which takes it a second or two.
const BUSY_TRIES = 5;
const BUSY_WAIT_MS = 2_000;

/** Runs the jobs at instants that close the current window and month, and writes the invoices. */
export const runJobs = async (product: RunningProduct, folder: string): Promise<void> => {
  const now = new Date();
  const next_month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
  const next_window = new Date((Math.floor(now.getTime() / WINDOW_MS) + 1) * WINDOW_MS);
  await runJob(product, 'performance-windows', ['--at', next_window.toISOString()]);
  await runJob(product, 'spend', ['--at', next_month.toISOString()]);
  await runJob(product, 'invoices', ['--period', now.toISOString().slice(0, 'YYYY-MM'.length), '--out', folder]);
};

const runJob = async (product: RunningProduct, name: string, more: readonly string[]): Promise<CommandOutput> => {
  const args = ['job', name, '--allow-future', ...more];
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await product.command(args);
    } catch (error) {
      if (attempt === BUSY_TRIES || !String(error).includes('JobBusyError')) throw error;
      await sleep(BUSY_WAIT_MS);
    }
  }
};

/** The invoices from their JSON documents in `folder`. */
export const readInvoices = (folder: string): InvoiceTotals[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.json') && !name.startsWith('hipaa-'))
    .toSorted()
    .map((name) => totalsOf(JSON.parse(readFileSync(join(folder, name), 'utf8')) as InvoiceDocument));

const totalsOf = (invoice: InvoiceDocument): InvoiceTotals => ({
  invoice_number: invoice.invoice_number,
  customer: invoice.customer,
  calls: invoice.lines.reduce((sum, line) => sum + line.call_count, 0),
  // Calls without usage have a separate line without a model.
  charged_calls: invoice.lines.reduce((sum, line) => sum + (line.model === null ? 0 : line.call_count), 0),
  total: invoice.lines.reduce((sum, line) => sum + BigInt(line.amount), 0n),
  total_cents: invoice.lines.reduce((sum, line) => sum + BigInt(line.amount_cents), 0n),
});

interface ActivityReport {
  readonly evidence: { readonly known_at: string };
  readonly sections: readonly {
    readonly name: string;
    readonly rows: readonly { readonly calls?: number }[];
  }[];
}

/**
 * Creates the HIPAA activity report in every format, all as known at the same instant.
 * @returns the number of calls in it
 */
export const pullReports = async (product: RunningProduct, folder: string, from: Date): Promise<number> => {
  const to = new Date(Date.now() + 1_000).toISOString();
  const path = (format: string): string => join(folder, `hipaa-activity.${format}`);
  let report: ActivityReport | null = null;
  for (const format of REPORT_FORMATS) {
    const known = report === null ? [] : ['--known', report.evidence.known_at];
    await product.command([
      ...['report', 'hipaa-activity', '--from', from.toISOString(), '--to', to, ...known],
      ...['--format', format, '--requested-by', REQUESTER, '--out', path(format)],
    ]);
    report ??= JSON.parse(readFileSync(path('json'), 'utf8')) as ActivityReport;
  }
  const summary = report?.sections.find(({ name }) => name === 'summary');
  return summary?.rows[0]?.calls ?? 0;
};
