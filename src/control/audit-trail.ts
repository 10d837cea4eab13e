import { OneVaultError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import {
  createEventRecorder,
  type EventRecorderDeps,
  type RecordEvent,
} from '../vault/audit/record-event.ts';
import { createLoginFailures, type LoginFailures } from './login-failures.ts';

/** Where the control plane tells what was done. */
export interface AuditTrail {
  /** @throws OneVaultError audit_unavailable when the event cannot be written */
  readonly record: RecordEvent;
  /** Throws as `record` does. */
  readonly login_failures: LoginFailures;
}

interface AuditTrailDeps extends EventRecorderDeps {
  readonly log: Log;
  /** How long like failures of a log-in are counted before they are told; a minute. */
  readonly window_ms?: number;
}

/** What stands in `record_source` of all that the control plane writes. */
export const RECORD_SOURCE = 'control';

export const createAuditTrail = ({ log, window_ms, ...deps }: AuditTrailDeps): AuditTrail => {
  const write = createEventRecorder(deps, RECORD_SOURCE);
  const record: RecordEvent = async (event) => {
    try {
      await write(event);
    } catch (cause) {
      log.warn({ err: cause, action: event.action }, 'an audit event cannot be written');
      throw new OneVaultError('audit_unavailable', { cause });
    }
  };
  return {
    record,
    login_failures: createLoginFailures({ record, log, ...(window_ms === undefined ? {} : { window_ms }) }),
  };
};
