import type { JobResult } from '../../core/job.ts';
import { takeWatermark } from '../../dbt/build-models.ts';
import type { JobContext } from '../job-context.ts';
import { clearCopies, listPendingErasures } from './clear-copies.ts';

export const name = 'erasures';
export const schedule = '*/15 * * * *';
export const catch_up = 'latest';
// It wraps every key again; with a key management service each key is one request.
export const timeout_ms = 30 * 60_000;

/**
 * Continues pending erasures: destroys the master keys that may wrap copies of the erased keys. The result counts the
 * completed ones.
 */
export const run = async (context: JobContext): Promise<JobResult> => {
  const { sql, log } = context;
  const input_watermark = await takeWatermark(context);
  const before = await listPendingErasures(sql);
  const nothing = { rows_in: 0, rows_out: 0, input_watermark, sql_sha256: null };
  if (before.length === 0) return nothing;
  const subject_kms = await context.open_subject_kms();
  const reason = await clearCopies({ sql, subject_kms });
  const left = await listPendingErasures(sql);
  const rows_out = before.filter(({ id }) => !left.some((pending) => pending.id === id)).length;
  if (rows_out > 0) await subject_kms.dropDeadRows();
  if (left.length === 0) return { ...nothing, rows_out };
  const sentence = `${left.length} erasures are pending: ${reason ?? 'some came meanwhile'}`;
  log.warn({ job: name, erasures: left.map(({ id }) => id), reason }, 'erasures are pending');
  return { ...nothing, rows_out, left_undone: [sentence] };
};
