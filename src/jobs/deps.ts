import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { SubjectKms } from '../keys/subject-kms.ts';
import type { ModuleJob } from '../modules/job-context.ts';
import type { Registry } from '../vault/registry.ts';

/** All that running jobs takes. */
export interface JobDeps {
  /** Every job, in the order that one instant's jobs start. */
  readonly jobs: readonly ModuleJob[];
  /** Each run of a job opens connections of its own there, so that its lease and its timeout end with them. */
  readonly database_url: string;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Log;
  /** The folder that holds dbt_project.yml. */
  readonly project_dir: string;
  /** For how many days after its end a day of calls is kept; 0 is for ever. */
  readonly retention_days: number;
  /** What keeps subjects' keys; throws where a master key that the database needs is not at hand. */
  readonly open_subject_kms: () => Promise<SubjectKms>;
}
