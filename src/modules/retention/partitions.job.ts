import type { JobResult } from '../../core/job.ts';
import { takeWatermark } from '../../dbt/build-models.ts';
import { makePartitionsAhead } from '../../vault/partitions.ts';
import type { JobContext } from '../job-context.ts';

export const name = 'partitions';
export const schedule = '30 1 * * *';
export const catch_up = 'latest';
export const timeout_ms = 5 * 60_000;

/** Creates the daily partitions of calls for the day of `at` and the two weeks after it. The result counts them. */
export const run = async (context: JobContext): Promise<JobResult> => {
  const input_watermark = await takeWatermark(context);
  const rows_out = await makePartitionsAhead(context.sql, Date.parse(context.at));
  return { rows_in: 0, rows_out, input_watermark, sql_sha256: null };
};
