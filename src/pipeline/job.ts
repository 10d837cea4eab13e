import type { SubjectKms } from '../control/privacy/deps.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Sql } from '../core/postgres.ts';
import type { Registry } from '../vault/registry.ts';
import type { Watermark } from './watermark.ts';

/** Something that runs on a clock. Each file in jobs/ exports these names. */
export interface Job {
  readonly name: string;
  /** Cron text, UTC: when it runs, and so which instants it can have missed. */
  readonly schedule: string;
  /** After a pause: `each` missed instant in turn, or only the `latest`, where a run covers all before it. */
  readonly catch_up: 'each' | 'latest';
  /** After how long a run is cancelled. */
  readonly timeout_ms: number;
  run(context: JobContext): Promise<JobResult>;
}

export interface JobContext {
  /** A pool that belongs to this run alone. */
  readonly sql: Sql;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Log;
  /** The folder that holds dbt_project.yml. */
  readonly project_dir: string;
  /** For how many days after its end a day of calls is kept; 0 is for ever. */
  readonly retention_days: number;
  /** What keeps subjects' keys; throws where a master key that the database needs is not at hand. */
  readonly open_subject_kms: () => Promise<SubjectKms>;
  /** The logical instant, which stands where SQL would say "now": ISO 8601, UTC. */
  readonly at: string;
  /** What the last successful run of this job had read; null before the first. */
  readonly previous: Watermark | null;
}

export interface JobResult {
  /** Calls that the results were made of. */
  readonly rows_in: number;
  /** Satellite rows written, or what else the job makes: 0 when nothing had changed. */
  readonly rows_out: number;
  readonly input_watermark: Watermark;
  /** SHA-256 of the compiled SQL, hex. */
  readonly sql_sha256: string | null;
  /** What the run left undone, and why, a sentence each; stands in the row of the run. */
  readonly left_undone?: readonly string[];
}
