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
}
