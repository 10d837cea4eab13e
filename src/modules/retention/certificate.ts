import type { Checkpoint } from '../../audit/checkpoints.ts';
import { eventRows } from '../../audit/event.ts';
import type { RowBuilder, Stamp, VaultRow } from '../../vault/rows.ts';
import type { DayLeaves } from './day-leaves.ts';
import type { DayUsage } from './day-usage.ts';
import type { DaySurvey } from './survey-day.ts';

/** The retention class of the tables that hold calls (`x-vault.retention`). */
export const RETENTION_CLASS = 'calls';

export interface CertificateInput {
  readonly certificate: string;
  readonly event_id: string;
  readonly survey: DaySurvey;
  readonly leaves: DayLeaves;
  readonly usage: readonly DayUsage[];
  /** The newest checkpoint, which covers all of the leaves; null if the log has none. */
  readonly checkpoint: Checkpoint | null;
  readonly retention_days: number;
  /** Business key of the run of the job. */
  readonly job_run: string;
}

/** Name of a certificate. @param number count of the day's destructions, this one included */
export const certificateName = (day: string, number: number): string => `${RETENTION_CLASS}-${day}-${number}`;

/** The rows of a certificate and of its audit event. */
export const certificateRows = (rows: RowBuilder, input: CertificateInput, stamp: Stamp): VaultRow[] => {
  const { survey, leaves, usage, checkpoint, retention_days, job_run } = input;
  const key = { destruction_certificate_bk: input.certificate };
  const certificate_hk = rows.hubKey('destruction_certificate_h', key);
  const authority = `retention class ${RETENTION_CLASS}: ${retention_days} days after the end of the day (ONEVAULT_RETENTION_DAYS)`;
  const certificate = {
    data_class: RETENTION_CLASS,
    destroyed_day: survey.day,
    retention_days,
    call_count: survey.call_count,
    customer_count: survey.customer_count,
    table_rows: leaves.table_rows.map((counted) => ({ ...counted })),
    first_request: survey.first_request,
    last_request: survey.last_request,
    leaf_count: leaves.leaf_count,
    leaves_sha256: leaves.leaves_sha256,
    checkpoint_origin: checkpoint?.origin ?? null,
    checkpoint_size: checkpoint?.tree_size ?? null,
    checkpoint_root: checkpoint?.root_hash ?? null,
    authority,
    job_run,
  };
  const ranges = leaves.runs.map((run, place) => ({ range_number: place + 1, ...run }));
  const sums = usage.map((sum, place) => ({ usage_number: place + 1, ...sum }));
  const { day, call_count, customers } = survey;
  return [
    rows.hub('destruction_certificate_h', key, stamp),
    rows.satellite('destruction_certificate_s', certificate_hk, certificate, stamp),
    ...(ranges.length === 0 ? [] : rows.satelliteSet('destruction_leaves_s', certificate_hk, ranges, stamp)),
    ...(sums.length === 0 ? [] : rows.satelliteSet('destruction_usage_s', certificate_hk, sums, stamp)),
    ...eventRows(
      rows,
      {
        event_id: input.event_id,
        actor_kind: 'system',
        actor: job_run,
        action: 'retention.destroy',
        subject_kind: 'day',
        subject: day,
        outcome: 'succeeded',
        reason: authority,
        customers,
        after: { certificate: input.certificate, calls: call_count, leaves_sha256: leaves.leaves_sha256 },
      },
      stamp,
    ),
  ];
};
