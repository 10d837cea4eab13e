import { setTimeout as sleep } from 'node:timers/promises';
import type { Actor } from '../audit/event.ts';
import { recordRotation } from '../audit/record-rotation.ts';
import { systemClock } from '../core/clock.ts';
import { createIds } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { readNeededMasterKeys } from '../keys/check-master-keys.ts';
import { destroyRetired, readRetired } from '../keys/destroy-retired.ts';
import type { Kms } from '../keys/kms.ts';
import { rotateKeys } from '../keys/rotate-keys.ts';
import type { SubjectKms } from '../keys/subject-kms.ts';
import { connect, type Sql } from '../postgres/connect.ts';
import { JobBusyError, withLease } from '../postgres/lease.ts';
import { loadRegistry } from '../vault/registry.ts';
import type { Config } from './config.ts';
import { prepareMasterKeys } from './open-keyring.ts';
import { PROJECT } from './paths.ts';

interface SubjectKmsInput {
  readonly kms: Kms;
  readonly database_url: string;
  readonly log: Log;
}

interface OpenInput {
  readonly config: Config;
  readonly database_url: string;
  readonly log: Log;
}

const CONNECTIONS = 4;
// Another erasure's renewal takes a second or two.
const BUSY_WAIT_MS = 250;
const ACTOR: Actor = { actor_kind: 'system', actor: 'privacy' };

/**
 * The same for occasional use: the settings are read and checked when it is opened.
 * @throws StartupError if a master key that the database needs is missing
 */
export const openSubjectKms = async ({ config, database_url, log }: OpenInput): Promise<SubjectKms> => {
  const sql = connect(database_url, { application_name: 'onevault privacy', max_connections: 1 });
  try {
    return createSubjectKms({ kms: await prepareMasterKeys(config, sql, log), database_url, log });
  } finally {
    await sql.end({ timeout: 1 });
  }
};

/** Renews the master key like `onevault keys rotate`, under the same lease, on its own connections. */
export const createSubjectKms = ({ kms, database_url, log }: SubjectKmsInput): SubjectKms => ({
  kms,
  // As the table's owner; the serving role is not the owner.
  dropDeadRows: async () => {
    const sql = connect(database_url, { application_name: 'onevault privacy', max_connections: 1 });
    try {
      await sql`vacuum (full, skip_locked) privacy.subject_key`;
      await sql`vacuum (skip_locked) privacy.subject_key`;
    } finally {
      await sql.end({ timeout: 1 });
    }
  },
  destroyMasterKeys: async (master_key_ids) => {
    const sql = connect(database_url, {
      application_name: 'onevault privacy',
      max_connections: CONNECTIONS,
    });
    const lease = { database_url, job: 'keys rotate', application_name: 'onevault privacy' };
    try {
      return await withLease(lease, () => replaceMasterKeys(sql, kms, master_key_ids));
    } catch (err) {
      if (err instanceof JobBusyError) {
        await sleep(BUSY_WAIT_MS);
        return null;
      }
      log.warn({ err }, 'the master keys of an erasure cannot be destroyed now; it is tried again');
      return (err as Error).message;
    } finally {
      await sql.end({ timeout: 1 });
    }
  },
});

/** @returns the reason why the master keys cannot be destroyed now; null if another round may, or none is left */
const replaceMasterKeys = async (sql: Sql, kms: Kms, master_key_ids: readonly string[]): Promise<string | null> => {
  const deps = { sql, kms, clock: systemClock };
  const named = (ids: readonly string[]): string[] => ids.filter((id) => master_key_ids.includes(id));
  const living = named(await readNeededMasterKeys(sql));
  if (living.length > 0) {
    const [newest] = await kms.list();
    // A rotation would change nothing and write no audit event.
    if (!kms.makes_keys && newest !== undefined && living.includes(newest.master_key_id)) {
      return `only the operator can give a master key that replaces ${newest.master_key_id}`;
    }
    const complete = recordRotation(sql, loadRegistry(PROJECT.entities), ACTOR);
    await rotateKeys({ ...deps, nextId: createIds(systemClock) }, { keep_old: false, keep_data_key: true, complete });
  } else {
    await destroyRetired(deps, named(await readRetired(sql)));
  }
  const left = named(await readRetired(sql));
  return left.length === 0 ? null : `only the operator can destroy ${left.join(', ')}`;
};
