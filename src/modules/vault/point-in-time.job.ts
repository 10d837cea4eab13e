import type { JobResult } from '../../core/job.ts';
import { buildModels, TARGET, takeWatermark } from '../../dbt/build-models.ts';
import type { JobContext } from '../job-context.ts';

export const name = 'point-in-time';
export const schedule = '5 0 * * *';
export const catch_up = 'latest';
export const timeout_ms = 30 * 60_000;

/**
 * Computes the satellite rows in force for each customer and each deployment at the end of each day that ended by `at`:
 * new days, and days with rows that arrived since the last run. It reads no calls; `rows_out` counts the rows written
 * to the point-in-time tables.
 */
export const run = async (context: JobContext): Promise<JobResult> => {
  const input_watermark = await takeWatermark(context);
  const sql_sha256 = await buildModels(context, name, input_watermark);
  const business = context.sql(`${TARGET.schema}_business`);
  const [made] = await context.sql<{ rows_out: number }[]>`
    select
      (select count(*) from ${business}.pit_customer where known_at = ${input_watermark.known}::text::timestamptz)
      + (select count(*) from ${business}.pit_offer where known_at = ${input_watermark.known}::text::timestamptz)
        as rows_out`;
  return { rows_in: 0, rows_out: made?.rows_out ?? 0, input_watermark, sql_sha256 };
};
