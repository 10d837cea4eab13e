import { systemClock } from '../core/clock.ts';
import { createLog } from '../core/log.ts';
import { startSchedule } from '../jobs/schedule.ts';
import { loadRegistry } from '../vault/registry.ts';
import { createJobDeps } from './jobs.ts';
import { openSealing } from './open-sealing.ts';
import { openSubjectKms } from './open-subject-kms.ts';
import { PROJECT } from './paths.ts';
import type { StartRole } from './role.ts';

/** Runs the jobs on their clock, and seals the audit log. */
export const startScheduleRole: StartRole = async ({ config, database_url }) => {
  const log = createLog(config.log_level, 'schedule');
  const registry = loadRegistry(PROJECT.entities);
  const sealing = await openSealing({ config, database_url, registry, log });
  const jobs = createJobDeps({
    database_url,
    registry,
    log,
    clock: systemClock,
    retention_days: config.retention_days,
    open_subject_kms: () => openSubjectKms({ config, database_url, log }),
  });
  const schedule = startSchedule(jobs);
  return {
    url: null,
    stop: async () => {
      await schedule.stop(config.shutdown_timeout_ms);
      await sealing.stop();
    },
  };
};
