import type { JobResult } from '../../core/job.ts';
import type { Watermark } from '../../core/watermark.ts';
import { compileModel, takeWatermark } from '../../dbt/build-models.ts';
import type { JobContext } from '../job-context.ts';
import { issueInvoices } from './issue-invoices.ts';

export const name = 'invoices';
export const schedule = '15 0 1 * *';
export const catch_up = 'each';
export const timeout_ms = 30 * 60_000;

/**
 * Issues an invoice to each customer for the last month that ended before `at`, with late calls of earlier months.
 * @throws Error after issuing the others, when customers with usage could not be billed
 */
export const run = async (context: JobContext): Promise<JobResult> => {
  const input_watermark = await takeWatermark(context);
  const query = compileModel(context, 'invoice_line', input_watermark);
  const { invoices, faults } = await issueInvoices(context, query, input_watermark);
  if (faults.length > 0) throw new Error(`${invoices.length} invoices were issued, but not all:\n${faults.join('\n')}`);
  return {
    rows_in: invoices.reduce((sum, invoice) => sum + invoice.call_count, 0),
    rows_out: invoices.length,
    input_watermark: settledWatermark(context.previous, input_watermark),
    sql_sha256: query.sha256,
  };
};

/**
 * The watermark up to which all customers are billed. Only a run for a later month than all before bills every
 * customer's new calls; a run for a month with invoices skips their customers, so their new calls stay unbilled.
 */
const settledWatermark = (previous: Watermark | null, current: Watermark): Watermark =>
  previous === null || monthOf(current.at) > monthOf(previous.at) ? current : previous;

const monthOf = (instant: string): string => instant.slice(0, 7);
