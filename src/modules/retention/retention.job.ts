import type { JobResult } from '../../core/job.ts';
import { takeWatermark } from '../../dbt/build-models.ts';
import type { Registry } from '../../vault/registry.ts';
import type { JobContext } from '../job-context.ts';
import { RETENTION_CLASS } from './certificate.ts';
import { destroyDay } from './destroy-day.ts';
import { listDueDays } from './due-days.ts';

export const name = 'retention';
export const schedule = '45 1 * * *';
export const catch_up = 'latest';
// Every row of a day is hashed again before its destruction: measured, 7,000 calls a second on two busy cores.
export const timeout_ms = 6 * 3_600_000;

/** Limit of sentences in the row of a run; the log has all of them. */
const MAX_REPORTED = 200;

/**
 * Destroys the days of calls whose retention period has ended by `at`, the oldest first, each in a transaction with its
 * certificate. Days with a reason to keep them are reported, and the next run retries them.
 */
export const run = async (context: JobContext): Promise<JobResult> => {
  const { sql, log, at, retention_days } = context;
  assertOneClass(context.registry);
  const input_watermark = await takeWatermark(context);
  const left_undone: string[] = [];
  let [rows_in, rows_out] = [0, 0];
  for (const day of await listDueDays(sql, { retention_days, at })) {
    const outcome = await destroyDay(context, { day, retention_days, job_run: `${name}/${at}` });
    if (outcome.certificate === null) {
      const { reasons } = outcome;
      log.warn({ job: name, day, reasons }, 'a day of calls is past its age and kept');
      left_undone.push(`${day} is kept: ${reasons.join('; ')}`);
    } else {
      const { certificate, call_count } = outcome;
      log.info({ job: name, day, certificate, call_count }, 'a day of calls was destroyed');
      rows_in += call_count;
      rows_out += 1;
    }
  }
  return {
    rows_in,
    rows_out,
    input_watermark,
    sql_sha256: null,
    left_undone: withinLimit(left_undone),
  };
};

/** A day is destroyed with all of its tables, so a table of another class, or of none, would be lost too. */
const assertOneClass = ({ entities }: Registry): void => {
  const others = [...entities.values()].filter(
    ({ partition, retention }) => partition !== null && retention !== RETENTION_CLASS,
  );
  if (others.length > 0) {
    const names = others.map(({ table }) => table).join(', ');
    throw new Error(`${names}: partitioned, and not of the retention class ${RETENTION_CLASS}`);
  }
};

const withinLimit = (sentences: readonly string[]): string[] => {
  const more = sentences.length - MAX_REPORTED;
  return [...sentences.slice(0, MAX_REPORTED), ...(more > 0 ? [`${more} more days are kept`] : [])];
};
