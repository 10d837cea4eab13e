import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { SubjectKms } from '../keys/subject-kms.ts';
import type { ModuleJob } from '../modules/job-context.ts';
import type { Registry } from '../vault/registry.ts';

/** Dependencies of running jobs. */
export interface JobDeps {
  /** Every job. Jobs of the same instant start in this order. */
  readonly jobs: readonly ModuleJob[];
  /** Each run of a job opens its own connections to it, so that its lease and its timeout end with them. */
  readonly database_url: string;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Log;
  /** The folder of dbt_project.yml. */
  readonly project_dir: string;
  /** Number of days for which a day of calls is kept after its end; 0 means for ever. */
  readonly retention_days: number;
  /** Opens the key management of subjects' keys; throws if a master key that the database needs is not available. */
  readonly open_subject_kms: () => Promise<SubjectKms>;
}
