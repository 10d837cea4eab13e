import type { JobResult } from '../../core/job.ts';
import { buildModels, TARGET, takeWatermark } from '../../dbt/build-models.ts';
import { type AssertedState, assertStates } from '../../vault/assert-states.ts';
import { createRowBuilder, type RowBuilder } from '../../vault/rows.ts';
import type { JobContext } from '../job-context.ts';

export const name = 'performance-windows';
export const schedule = '*/5 * * * *';
export const catch_up = 'latest';
export const timeout_ms = 5 * 60_000;

const WINDOW_MINUTES = 5;
const BATCH_ROWS = 2_000;

interface WindowRow {
  readonly performance_bk: string;
  readonly window_start: string;
  readonly window_end: string;
  readonly provider: string;
  readonly model: string;
  readonly total_requests: number;
  readonly successful_requests: number;
  readonly failed_requests: number;
  readonly average_latency_ms: number | null;
  readonly p95_latency_ms: number | null;
  readonly p99_latency_ms: number | null;
  readonly average_time_to_first_token_ms: number | null;
  readonly p95_time_to_first_token_ms: number | null;
  readonly error_rate_percent: string | null;
  readonly availability_percent: string | null;
  readonly tokens_processed: number;
  readonly average_cost_per_token: string | null;
}

/** Computes each provider's and model's performance in five-minute windows up to `at`; windows with new calls again. */
export const run = async (context: JobContext): Promise<JobResult> => {
  const input_watermark = await takeWatermark(context);
  const sql_sha256 = await buildModels(context, name, input_watermark);
  const rows = createRowBuilder(context.registry);
  let rows_in = 0;
  let rows_out = 0;
  const windows = context.sql<WindowRow[]>`
    select performance_bk, window_start, window_end, provider, model, total_requests, successful_requests,
      failed_requests, average_latency_ms, p95_latency_ms, p99_latency_ms, average_time_to_first_token_ms,
      p95_time_to_first_token_ms, error_rate_percent, availability_percent, tokens_processed, average_cost_per_token
    from ${context.sql(`${TARGET.schema}_marts`)}.provider_performance_window
    where known_at = ${input_watermark.known}::text::timestamptz
    order by performance_bk`;
  for await (const batch of windows.cursor(BATCH_ROWS)) {
    rows_in += batch.reduce((sum, window) => sum + window.total_requests, 0);
    rows_out += await assertStates(context, 'provider_performance_s', (load_date) =>
      batch.map((window) => stateOf(rows, window, load_date)),
    );
  }
  return { rows_in, rows_out, input_watermark, sql_sha256 };
};

const stateOf = (rows: RowBuilder, window: WindowRow, load_date: string): AssertedState => {
  const stamp = { load_date, applied_date: window.window_end, record_source: `pipeline.${name}` };
  const performance_hk = rows.hubKey('provider_performance_h', { performance_bk: window.performance_bk });
  const { performance_bk, window_start, window_end: _, provider, model, ...measures } = window;
  return {
    satellite: rows.satellite(
      'provider_performance_s',
      performance_hk,
      {
        ...measures,
        measurement_timestamp: window_start,
        measurement_window_minutes: WINDOW_MINUTES,
        // Single windows have no rating; model_s has the catalog's.
        quality_score: null,
      },
      stamp,
    ),
    context: [
      rows.hub('provider_performance_h', { performance_bk }, stamp),
      rows.link(
        'provider_performance_l',
        {
          performance_hk,
          provider_hk: rows.hubKey('ai_provider_h', { provider_bk: provider }),
          model_hk: rows.hubKey('model_h', { model_bk: model }),
        },
        stamp,
      ),
    ],
  };
};
