import type { Sql } from '../postgres/connect.ts';
import type { Kms, MasterKey } from './kms.ts';

/** The master keys that wrap keys of the database, and the missing ones among them. */
export interface MasterKeyState {
  readonly at_hand: readonly MasterKey[];
  readonly missing: readonly string[];
}

/**
 * Compares the master keys that the database needs with those of the service.
 * @throws KmsError if the service cannot list its keys
 */
export const checkMasterKeys = async (sql: Sql, kms: Kms): Promise<MasterKeyState> => {
  const needed = await readNeededMasterKeys(sql);
  const at_hand = await kms.list();
  const known = new Set(at_hand.map(({ master_key_id }) => master_key_id));
  return { at_hand, missing: needed.filter((master_key_id) => !known.has(master_key_id)) };
};

/** The ids of the master keys that wrap at least one key. */
export const readNeededMasterKeys = async (sql: Sql): Promise<string[]> => {
  const rows = await sql<{ master_key_id: string }[]>`
    select master_key_id
    from privacy.master_key
    where retired_at is null
    order by first_used_at, master_key_id`;
  return rows.map(({ master_key_id }) => master_key_id);
};
