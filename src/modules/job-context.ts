import type { Clock } from '../core/clock.ts';
import type { Job } from '../core/job.ts';
import type { Log } from '../core/log.ts';
import type { Watermark } from '../core/watermark.ts';
import type { SubjectKms } from '../keys/subject-kms.ts';
import type { Sql } from '../postgres/connect.ts';
import type { Registry } from '../vault/registry.ts';

/** The dependencies and inputs of a run of a job. */
export interface JobContext {
  /** A pool for this run only. */
  readonly sql: Sql;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Log;
  /** The folder that holds dbt_project.yml. */
  readonly project_dir: string;
  /** Number of days after its end for which a day of calls is kept; 0 is for ever. */
  readonly retention_days: number;
  /** Opens the service that keeps subjects' keys; throws if a master key that the database needs is missing. */
  readonly open_subject_kms: () => Promise<SubjectKms>;
  /** The logical instant, used instead of SQL's "now": ISO 8601, UTC. */
  readonly at: string;
  /** The watermark of the last successful run of this job; null before the first. */
  readonly previous: Watermark | null;
}

/** A job of a module. */
export type ModuleJob = Job<JobContext>;
