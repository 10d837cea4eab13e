import { recordRotation } from '../audit/record-rotation.ts';
import type { Kms } from '../keys/kms.ts';
import { type KeyList, listKeys } from '../keys/list-keys.ts';
import { type Rotation, rotateKeys } from '../keys/rotate-keys.ts';
import { listPendingErasures } from '../modules/privacy/clear-copies.ts';
import type { Sql } from '../postgres/connect.ts';
import { withLease } from '../postgres/lease.ts';
import type { Config } from '../server/config.ts';
import { prepareMasterKeys } from '../server/open-keyring.ts';
import { type CommandDeps, runCommand } from './command.ts';
import { withCommandEvent, withFailureEvent } from './command-events.ts';

export interface RotateOptions {
  readonly keepOld?: boolean;
}

// Eight keys are wrapped at once.
const CONNECTIONS = 8;

/** `onevault keys rotate`: beside the running product or without it; repeat it after an interruption. */
export const rotateCommand = (config: Config, options: RotateOptions): Promise<void> =>
  runCommand(config, { name: 'keys rotate', max_connections: CONNECTIONS }, async (command) => {
    const kms = await prepareMasterKeys(config, command.sql, command.log);
    const event = { action: 'key.rotate', subject_kind: 'key_rotation' };
    const rotations = await withFailureEvent(command, event, () => rotateLeased(command, kms, options));
    for (const rotation of rotations) console.log(rotationText(rotation, config));
  });

/** Rotates while no other process does. */
const rotateLeased = (command: CommandDeps, kms: Kms, { keepOld = false }: RotateOptions): Promise<Rotation[]> => {
  const { sql, clock, nextId, database_url, registry, actor } = command;
  const lease = { database_url, job: 'keys rotate', application_name: 'onevault keys rotate' };
  const input = { keep_old: keepOld, complete: recordRotation(sql, registry, actor) };
  const rotate = (): Promise<Rotation> => rotateKeys({ sql, kms, clock, nextId }, input);
  return withLease(lease, () => rotateForErasures(sql, kms, rotate));
};

/**
 * Rotates once; twice if that completed a rotation from before an erasure, because its new master key may wrap copies of
 * the erased key, too.
 */
const rotateForErasures = async (sql: Sql, kms: Kms, rotate: () => Promise<Rotation>): Promise<Rotation[]> => {
  const rotation = await rotate();
  const pending = await listPendingErasures(sql);
  const is_named = pending.some(({ master_key_ids_left }) => master_key_ids_left.includes(rotation.master_key_id));
  return is_named && kms.makes_keys ? [rotation, await rotate()] : [rotation];
};

/** `onevault keys list`: every key by its id. */
export const listCommand = (config: Config): Promise<void> =>
  runCommand(config, { name: 'keys list', max_connections: CONNECTIONS }, async (command) => {
    const kms = await prepareMasterKeys(config, command.sql, command.log);
    const event = { action: 'key.list', subject_kind: 'data_key' };
    const keys = await withCommandEvent(command, event, () => listKeys(command.sql, kms));
    console.log(listText(keys));
  });

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
