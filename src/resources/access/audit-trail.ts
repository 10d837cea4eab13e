import type { Actor } from '../../audit/event.ts';
import {
  createEventRecorder,
  type EventRecorderDeps,
  type NewEvent,
  type RecordEvent,
} from '../../audit/record-event.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { createStateLog } from '../../core/state-log.ts';
import { createLoginFailures, type LoginFailures } from './login-failures.ts';

/** The recorder of the control plane's audit events. */
export interface AuditTrail {
  /** @throws OneVaultError audit_unavailable when the event cannot be written */
  readonly record: RecordEvent;
  /** Throws as `record` does. */
  readonly login_failures: LoginFailures;
}

interface AuditTrailDeps extends EventRecorderDeps {
  readonly log: Log;
  /** The time for which equal log-in failures are counted before one event reports them; a minute by default. */
  readonly window_ms?: number | undefined;
}

/** A refused key for calls, where no call is recorded. */
export interface RefusedKey extends Pick<NewEvent, 'request_id' | 'request_ip' | 'user_agent'> {
  readonly error: { readonly code: string };
  /** Null for an unknown key. */
  readonly api_key: string | null;
  readonly customer: string | null;
  readonly endpoint: string;
}

/** Reports it like every log-in that fails. */
export const recordRefusedKey =
  (audit: AuditTrail) =>
  (refused: RefusedKey): Promise<void> =>
    reportRefusedLogin(audit, withActor(refused));

/** Counts it among the log-ins that fail. @returns true for the first of its kind, which the caller records */
export const countRefusedKey =
  ({ login_failures }: AuditTrail) =>
  (refused: RefusedKey): boolean =>
    login_failures.count(failureOf(withActor(refused)));

const withActor = ({ api_key, ...refused }: RefusedKey): Omit<RefusedKey, 'api_key'> & Actor => ({
  actor_kind: api_key === null ? 'unknown' : 'customer',
  actor: api_key ?? 'unknown',
  ...refused,
});

/** Reports a refused log-in: the caller as far as known, the endpoint and the reason. */
export const reportRefusedLogin = (
  { login_failures }: AuditTrail,
  refused: Omit<RefusedKey, 'api_key'> & Actor,
): Promise<void> => login_failures.report(failureOf(refused));

const failureOf = ({ error, customer, endpoint, ...known }: Omit<RefusedKey, 'api_key'> & Actor): NewEvent => ({
  ...known,
  action: 'login.fail',
  outcome: 'refused',
  reason: error.code,
  subject_kind: 'endpoint',
  subject: endpoint,
  customers: customer === null ? [] : [customer],
});

/** The `record_source` of all rows that the control plane writes. */
export const RECORD_SOURCE = 'control';

export const createAuditTrail = ({ log, window_ms, ...deps }: AuditTrailDeps): AuditTrail => {
  const write = createEventRecorder(deps, RECORD_SOURCE);
  const state = createStateLog(log, {
    bad: 'audit events cannot be written; what needs one is refused',
    good: 'audit events are written again',
  });
  const record: RecordEvent = async (event) => {
    try {
      await write(event);
      state.succeeded();
    } catch (cause) {
      state.failed({ err: cause, action: event.action });
      throw new OneVaultError('audit_unavailable', { cause });
    }
  };
  return {
    record,
    login_failures: createLoginFailures({ record, log, window_ms }),
  };
};
