import { setTimeout as sleep } from 'node:timers/promises';
import type { SubjectKms } from '../control/privacy/deps.ts';
import { systemClock } from '../core/clock.ts';
import { createIds } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { connect } from '../core/postgres.ts';
import type { Kms } from '../core/secrets/kms.ts';
import { rotateKeys } from '../core/secrets/rotate-keys.ts';
import { JobBusyError } from '../pipeline/job-errors.ts';
import { withLease } from '../pipeline/lease.ts';
import type { Actor } from '../vault/audit/event.ts';
import { tellRotation } from './key-commands.ts';

interface SubjectKmsInput {
  readonly kms: Kms;
  readonly database_url: string;
  readonly log: Log;
}

const CONNECTIONS = 4;
// Another erasure's renewal takes a second or two.
const BUSY_WAIT_MS = 250;
const ACTOR: Actor = { actor_kind: 'system', actor: 'privacy' };

/** Renews the master key as `onevault keys rotate` does, under the same lease, on connections of its own. */
export const createSubjectKms = ({ kms, database_url, log }: SubjectKmsInput): SubjectKms => ({
  kms,
  renewMasterKey: async () => {
    const sql = connect(database_url, {
      application_name: 'onevault privacy',
      max_connections: CONNECTIONS,
    });
    const lease = { database_url, job: 'keys rotate', application_name: 'onevault privacy' };
    const renew = () =>
      rotateKeys(
        { sql, kms, clock: systemClock, nextId: createIds(systemClock) },
        { keep_old: false, complete: tellRotation(sql, ACTOR) },
      );
    try {
      const { is_new_master_key, retired } = await withLease(lease, renew);
      if (!is_new_master_key) return 'the operator gives the master keys, and gave no new one';
      return retired.length === 0 ? null : `only the operator can destroy ${retired.join(', ')}`;
    } catch (err) {
      if (err instanceof JobBusyError) {
        await sleep(BUSY_WAIT_MS);
        return null;
      }
      log.warn({ err }, 'the master key was not renewed after an erasure; `onevault keys rotate` does it');
      return (err as Error).message;
    } finally {
      await sql.end({ timeout: 1 });
    }
  },
});
