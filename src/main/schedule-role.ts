import { systemClock } from '../core/clock.ts';
import { createLog } from '../core/log.ts';
import { startSchedule } from '../pipeline/schedule.ts';
import { loadRegistry } from '../vault/registry.ts';
import { PROJECT } from './paths.ts';
import type { StartRole } from './role.ts';

/** Runs the jobs on their clock. */
export const startScheduleRole: StartRole = async ({ config, database_url }) => {
  const log = createLog(config.log_level, 'schedule');
  const schedule = startSchedule({
    database_url,
    registry: loadRegistry(PROJECT.entities),
    clock: systemClock,
    log,
    project_dir: PROJECT.dbt_project,
  });
  return { url: null, stop: () => schedule.stop(config.shutdown_timeout_ms) };
};
