import { instantOf, systemClock } from '../core/clock.ts';
import { InputError } from '../core/input-error.ts';
import { createLog } from '../core/log.ts';
import { listDueDays } from '../modules/retention/due-days.ts';
import { type DaySurvey, surveyDay } from '../modules/retention/survey-day.ts';
import { connect } from '../postgres/connect.ts';
import type { Config } from '../server/config.ts';
import { openDatabaseForCommand } from '../server/database.ts';
import { PROJECT } from '../server/paths.ts';
import { loadRegistry } from '../vault/registry.ts';
import { isVaultInstant } from '../vault/row-schema.ts';
import { withCommandEvent } from './command-events.ts';

export interface PlanOptions {
  readonly at?: string;
}

/** `onevault retention plan`: which days of calls the job would destroy, and which it would keep and why. */
export const planCommand = async (config: Config, options: PlanOptions): Promise<void> => {
  const at = options.at ?? instantOf(systemClock.now());
  if (!isVaultInstant(at)) throw new InputError(`--at ${at}: not an instant; write it as 2026-11-21T10:05:00Z`);
  const { retention_days } = config;
  if (retention_days === 0) {
    console.log('calls are kept for ever: ONEVAULT_RETENTION_DAYS is 0');
    return;
  }
  const database = await openDatabaseForCommand(config, createLog(config.log_level, 'retention plan'));
  const sql = connect(database.url, {
    application_name: 'onevault retention plan',
    max_connections: 1,
    statement_timeout_ms: 0,
  });
  try {
    const event = { action: 'retention.plan', subject_kind: 'vault', after: { at, retention_days } };
    await withCommandEvent({ sql, registry: loadRegistry(PROJECT.entities) }, event, async () => {
      const days = await listDueDays(sql, { retention_days, at });
      console.log(`${days.length} days are past their age of ${retention_days} days at ${at}`);
      for (const day of days) console.log(planLine(await surveyDay(sql, day)));
      if (days.length > 0)
        console.log('Each row is compared with the audit log before it goes: a day that differs is kept.');
    });
  } finally {
    await sql.end({ timeout: 1 });
    await database.stop();
  }
};

const planLine = ({ day, call_count, customer_count, reasons }: DaySurvey): string => {
  const what = `${day}  ${call_count} calls of ${customer_count} customers`;
  return reasons.length === 0 ? `${what}: would go` : `${what}: kept: ${reasons.join('; ')}`;
};
