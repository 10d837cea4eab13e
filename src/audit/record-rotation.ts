import { systemClock } from '../core/clock.ts';
import { createIds } from '../core/ids.ts';
import type { RotationInput } from '../keys/rotate-keys.ts';
import type { Sql } from '../postgres/connect.ts';
import { createLoader } from '../vault/load.ts';
import type { Registry } from '../vault/registry.ts';
import { createRowBuilder } from '../vault/rows.ts';
import { writeVault } from '../vault/write.ts';
import { type Actor, type AuditEvent, eventRows } from './event.ts';

/** Writes the audit event of a rotation together with its completion. */
export const recordRotation = (sql: Sql, registry: Registry, actor: Actor): RotationInput['complete'] => {
  const [rows, load] = [createRowBuilder(registry), createLoader({ registry, now: systemClock.now })];
  return (rotation, finish) =>
    writeVault(sql, systemClock, async (tx, load_date) => {
      const { key_rotation_id, master_key_id, data_key_id, rewrapped, retired, destroyed } = rotation;
      const event: AuditEvent = {
        event_id: createIds(systemClock)(),
        ...actor,
        action: 'key.rotate',
        subject_kind: 'key_rotation',
        subject: key_rotation_id,
        outcome: 'succeeded',
        after: { master_key_id, data_key_id, rewrapped, retired, destroyed },
      };
      const stamp = { load_date, applied_date: load_date, record_source: 'keys' };
      const { refused } = await load(tx, eventRows(rows, event, stamp));
      if (refused > 0) throw new Error('the vault refused the audit event key.rotate');
      await finish(tx);
    });
};
