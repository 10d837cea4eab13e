import { recordRotation } from '../audit/record-rotation.ts';
import { systemClock } from '../core/clock.ts';
import { createIds } from '../core/ids.ts';
import { createLog } from '../core/log.ts';
import type { Kms } from '../keys/kms.ts';
import { type KeyList, listKeys } from '../keys/list-keys.ts';
import { type Rotation, rotateKeys } from '../keys/rotate-keys.ts';
import { listPendingErasures } from '../modules/privacy/clear-copies.ts';
import { connect, type Sql } from '../postgres/connect.ts';
import { withLease } from '../postgres/lease.ts';
import type { Config } from '../server/config.ts';
import { openDatabaseForCommand } from '../server/database.ts';
import { prepareMasterKeys } from '../server/keyring.ts';
import { PROJECT } from '../server/paths.ts';
import { loadRegistry } from '../vault/registry.ts';
import { commandActor, createCommandRecorder, withCommandEvent } from './command-events.ts';

export interface RotateOptions {
  readonly keepOld?: boolean;
}

// Eight keys are wrapped anew at once.
const CONNECTIONS = 8;

/** `onevault keys rotate`: beside the running product or without it; once more after an interruption. */
export const rotateCommand = (config: Config, options: RotateOptions): Promise<void> =>
  withMasterKeys(config, 'keys rotate', async (sql, kms, database_url) => {
    const lease = { database_url, job: 'keys rotate', application_name: 'onevault keys rotate' };
    const complete = recordRotation(sql, loadRegistry(PROJECT.entities), commandActor());
    const keep_old = options.keepOld === true;
    const rotate = (): Promise<Rotation> =>
      rotateKeys({ sql, kms, clock: systemClock, nextId: createIds(systemClock) }, { keep_old, complete });
    try {
      const rotations = await withLease(lease, () => rotateForErasures(sql, kms, rotate));
      for (const rotation of rotations) console.log(rotationText(rotation, config));
    } catch (error) {
      const record = createCommandRecorder(sql, loadRegistry(PROJECT.entities));
      const event = { ...commandActor(), action: 'key.rotate', subject_kind: 'key_rotation' };
      await record({ ...event, outcome: 'failed', reason: (error as Error).name });
      throw error;
    }
  });

/**
 * Rotates once; twice where that brought a rotation to its end which had begun before somebody was erased: copies of
 * the erased key may lie under its new master key, too.
 */
const rotateForErasures = async (sql: Sql, kms: Kms, rotate: () => Promise<Rotation>): Promise<Rotation[]> => {
  const rotation = await rotate();
  const pending = await listPendingErasures(sql);
  const is_named = pending.some(({ master_key_ids_left }) => master_key_ids_left.includes(rotation.master_key_id));
  return is_named && kms.makes_keys ? [rotation, await rotate()] : [rotation];
};

/** `onevault keys list`: every key by its id. */
export const listCommand = (config: Config): Promise<void> =>
  withMasterKeys(config, 'keys list', async (sql, kms) => {
    const registry = loadRegistry(PROJECT.entities);
    const event = { action: 'key.list', subject_kind: 'data_key' };
    const keys = await withCommandEvent({ sql, registry }, event, () => listKeys(sql, kms));
    console.log(listText(keys));
  });

const withMasterKeys = async (
  config: Config,
  name: string,
  work: (sql: Sql, kms: Kms, database_url: string) => Promise<void>,
): Promise<void> => {
  const log = createLog(config.log_level, name);
  const database = await openDatabaseForCommand(config, log);
  const sql = connect(database.url, { application_name: `onevault ${name}`, max_connections: CONNECTIONS });
  try {
    await work(sql, await prepareMasterKeys(config, sql, log), database.url);
  } finally {
    await sql.end({ timeout: 1 });
    await database.stop();
  }
};

const rotationText = (rotation: Rotation, { keys }: Config): string => {
  const { is_resumed, is_new_master_key, master_key_id, data_key_id, rewrapped, destroyed, retired } = rotation;
  const counts = Object.entries(rewrapped).map(([table, count]) => `${count} in ${table}`);
  const lines = [
    `rotation ${rotation.key_rotation_id} is complete${is_resumed ? '; an earlier run had begun it' : ''}`,
    `master key    ${master_key_id}${is_new_master_key ? '' : ', as before'}`,
    `data key      ${data_key_id}`,
    `wrapped anew  ${counts.join(', ')}`,
    ...destroyed.map((id) => `destroyed     ${id}`),
    ...retired.map((id) => `retired       ${id}, which still exists`),
  ];
  if (!is_new_master_key) {
    lines.push(
      '',
      'The master key comes from ONEVAULT_MASTER_KEY. To replace it, put a new one and a comma before it, start every process with both, and rotate again.',
    );
  }
  if (retired.some((id) => id.startsWith('local:')) && keys.master_keys.length > 0) {
    lines.push('', 'Nothing needs the retired keys any more: take them out of ONEVAULT_MASTER_KEY, and destroy them.');
  }
  if (retired.some((id) => id.startsWith('transit:'))) {
    lines.push(
      '',
      'Nothing needs the retired versions any more: raise min_decryption_version of the key in the service past them, and trim it.',
    );
  }
  return lines.join('\n');
};

const listText = ({ master_keys, data_keys, rotating_since }: KeyList): string => {
  const width = Math.max(...master_keys.map(({ master_key_id }) => master_key_id.length), 0);
  return [
    'master keys',
    ...master_keys.map(
      ({ master_key_id, state, keys, created_at }) =>
        `  ${master_key_id.padEnd(width)}  ${state.padEnd(9)}  ${keys} keys under it${created_at === null ? '' : `, made ${created_at}`}`,
    ),
    'data keys',
    ...data_keys.map(
      ({ data_key_id, master_key_id, created_at, seals }) =>
        `  ${data_key_id}  under ${master_key_id}, made ${created_at}, at most ${seals} values sealed`,
    ),
    ...(rotating_since === null ? [] : [`a rotation has run since ${rotating_since}, or was interrupted`]),
  ].join('\n');
};
