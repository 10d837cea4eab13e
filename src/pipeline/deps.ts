import type { SubjectKms } from '../control/privacy/deps.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Registry } from '../vault/registry.ts';

/** What the pipeline's jobs need of the world. */
export interface PipelineDeps {
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
