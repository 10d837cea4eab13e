import type { Actor } from '../../audit/event.ts';
import {
  createEventRecorder,
  type EventRecorderDeps,
  type NewEvent,
  type RecordEvent,
} from '../../audit/record-event.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
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
  readonly window_ms?: number | undefined;
}

/** A key for calls that was refused where no call is recorded. */
export interface RefusedKey extends Pick<NewEvent, 'request_id' | 'request_ip' | 'user_agent'> {
  readonly error: { readonly code: string };
  /** Null where the key is none of ours. */
  readonly api_key: string | null;
  readonly customer: string | null;
  readonly endpoint: string;
}

/** Tells of it as of every log-in that fails. */
export const recordRefusedKey =
  (audit: AuditTrail) =>
  ({ api_key, ...refused }: RefusedKey): Promise<void> =>
    tellRefusedLogin(audit, {
      actor_kind: api_key === null ? 'unknown' : 'customer',
      actor: api_key ?? 'unknown',
      ...refused,
    });

/** Tells of somebody who was not let in: who, as far as that is known, where, and why. */
export const tellRefusedLogin = (
  { login_failures }: AuditTrail,
  { error, customer, endpoint, ...known }: Omit<RefusedKey, 'api_key'> & Actor,
): Promise<void> =>
  login_failures.tell({
    ...known,
    action: 'login.fail',
    outcome: 'refused',
    reason: error.code,
    subject_kind: 'endpoint',
    subject: endpoint,
    customers: customer === null ? [] : [customer],
  });

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
    login_failures: createLoginFailures({ record, log, window_ms }),
  };
};
