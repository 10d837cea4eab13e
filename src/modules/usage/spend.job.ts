import type { JobResult } from '../../core/job.ts';
import { buildModels, TARGET, takeWatermark } from '../../dbt/build-models.ts';
import { type AssertedState, assertStates } from '../../vault/assert-states.ts';
import { createRowBuilder, type RowBuilder } from '../../vault/rows.ts';
import type { JobContext } from '../job-context.ts';

export const name = 'spend';
export const schedule = '*/5 * * * *';
export const catch_up = 'latest';
export const timeout_ms = 5 * 60_000;

const BATCH_ROWS = 2_000;

interface SpendRow {
  readonly billing_period: string;
  readonly customer: string;
  readonly applied_date: string;
  readonly total_requests: number;
  readonly total_tokens: number;
  readonly total_provider_cost: string;
  readonly total_gateway_revenue: string;
  readonly total_customer_charges: string;
  readonly cost_by_provider: Record<string, string>;
  readonly cost_by_model: Record<string, string>;
  readonly overage_charges: string | null;
  readonly credits_applied: string | null;
  readonly billing_status: 'PENDING' | 'BILLED' | 'PAID';
}

/** Computes the spend of each customer in each month up to `at`; months with new calls or new invoices again. */
export const run = async (context: JobContext): Promise<JobResult> => {
  const input_watermark = await takeWatermark(context);
  const sql_sha256 = await buildModels(context, name, input_watermark);
  const rows = createRowBuilder(context.registry);
  let rows_in = 0;
  let rows_out = 0;
  const spends = context.sql<SpendRow[]>`
    select billing_period, customer, applied_date, total_requests, total_tokens, total_provider_cost,
      total_gateway_revenue, total_customer_charges, cost_by_provider, cost_by_model, overage_charges,
      credits_applied, billing_status
    from ${context.sql(`${TARGET.schema}_marts`)}.customer_spend
    where known_at = ${input_watermark.known}::text::timestamptz
    order by billing_period, customer`;
  for await (const batch of spends.cursor(BATCH_ROWS)) {
    rows_in += batch.reduce((sum, spend) => sum + spend.total_requests, 0);
    rows_out += await assertStates(context, 'customer_spending_s', (load_date) =>
      batch.map((spend) => stateOf(rows, spend, load_date)),
    );
  }
  return { rows_in, rows_out, input_watermark, sql_sha256 };
};

const stateOf = (rows: RowBuilder, spend: SpendRow, load_date: string): AssertedState => {
  const { customer, applied_date, ...totals } = spend;
  const stamp = { load_date, applied_date, record_source: `pipeline.${name}` };
  const key = { spending_bk: `${customer}/${spend.billing_period.slice(0, 7)}` };
  const spending_hk = rows.hubKey('customer_spending_h', key);
  const customer_hk = rows.hubKey('customer_h', { customer_bk: customer });
  return {
    satellite: rows.satellite('customer_spending_s', spending_hk, totals, stamp),
    context: [
      rows.hub('customer_spending_h', key, stamp),
      rows.link('customer_spending_l', { spending_hk, customer_hk }, stamp),
    ],
  };
};
