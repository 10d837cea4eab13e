import { instantOf, systemClock } from '../core/clock.ts';
import { InputError } from '../core/input-error.ts';
import { listDueDays } from '../modules/retention/due-days.ts';
import { type DaySurvey, surveyDay } from '../modules/retention/survey-day.ts';
import type { Config } from '../server/config.ts';
import { isVaultInstant } from '../vault/row-schema.ts';
import { runCommand } from './command.ts';
import { withCommandEvent } from './command-events.ts';

export interface PlanOptions {
  readonly at?: string;
}

/** `onevault retention plan`: lists the days of calls to be destroyed, and the kept ones with reasons. */
export const planCommand = async (config: Config, options: PlanOptions): Promise<void> => {
  const at = options.at ?? instantOf(systemClock.now());
  if (!isVaultInstant(at)) throw new InputError(`--at ${at}: not an instant; write it as 2026-11-21T10:05:00Z`);
  const { retention_days } = config;
  if (retention_days === 0) {
    console.log('calls are kept for ever: ONEVAULT_RETENTION_DAYS is 0');
    return;
  }
  const event = { action: 'retention.plan', subject_kind: 'vault', after: { at, retention_days } };
  const connections = { max_connections: 1, statement_timeout_ms: 0 };
  await runCommand(config, { name: 'retention plan', ...connections }, (command) =>
    withCommandEvent(command, event, async () => {
      const days = await listDueDays(command.sql, { retention_days, at });
      console.log(`${days.length} days are past their age of ${retention_days} days at ${at}`);
      for (const day of days) console.log(planLine(await surveyDay(command.sql, day)));
      if (days.length > 0)
        console.log('Each row is compared with the audit log before it goes: a day that differs is kept.');
    }),
  );
};

const planLine = ({ day, call_count, customer_count, reasons }: DaySurvey): string => {
  const what = `${day}  ${call_count} calls of ${customer_count} customers`;
  return reasons.length === 0 ? `${what}: would go` : `${what}: kept: ${reasons.join('; ')}`;
};
