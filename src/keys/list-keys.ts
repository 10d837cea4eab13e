import type { Sql } from '../postgres/connect.ts';
import type { Kms } from './kms.ts';

export interface KeyList {
  readonly master_keys: readonly ListedMasterKey[];
  readonly data_keys: readonly ListedDataKey[];
  /** Start of a rotation that was interrupted or runs now; null without one. */
  readonly rotating_since: string | null;
}

export interface ListedMasterKey {
  readonly master_key_id: string;
  readonly created_at: string | null;
  /** `unused` wraps nothing yet; `missing` is needed but not available. */
  readonly state: 'wraps' | 'unwraps' | 'unused' | 'missing' | 'retired' | 'destroyed';
  /** Number of keys that are wrapped under it. */
  readonly keys: number;
}

export interface ListedDataKey {
  readonly data_key_id: string;
  readonly master_key_id: string;
  readonly created_at: string;
  readonly wrapped_at: string;
  /** Upper bound of the values that were sealed with it. */
  readonly seals: number;
}

/** All keys by id, with their present use. @throws KmsError */
export const listKeys = async (sql: Sql, kms: Kms): Promise<KeyList> => {
  const at_hand = await kms.list();
  const counts = await countWrapped(sql);
  const recorded = await sql<RecordedMasterKey[]>`
    select master_key_id, first_used_at, retired_at, destroyed_at
    from privacy.master_key
    order by first_used_at desc, master_key_id`;
  const data_keys = await sql<ListedDataKey[]>`
    select k.data_key_id, k.master_key_id, k.created_at, k.wrapped_at, s.reserved as seals
    from privacy.data_key k
    join privacy.data_key_seals s using (data_key_id)
    order by k.key_number desc`;
  const [open] = await sql<{ started_at: string }[]>`
    select started_at
    from privacy.key_rotation
    where completed_at is null`;
  const ids = [...new Set([...at_hand, ...recorded].map(({ master_key_id }) => master_key_id))];
  const master_keys = ids.map((master_key_id): ListedMasterKey => {
    const index = at_hand.findIndex((key) => key.master_key_id === master_key_id);
    const record = recorded.find((key) => key.master_key_id === master_key_id);
    return {
      master_key_id,
      created_at: at_hand[index]?.created_at ?? null,
      state: stateOf(index, record),
      keys: counts.get(master_key_id) ?? 0,
    };
  });
  return { master_keys, data_keys: [...data_keys], rotating_since: open?.started_at ?? null };
};

interface RecordedMasterKey {
  readonly master_key_id: string;
  readonly first_used_at: string;
  readonly retired_at: string | null;
  readonly destroyed_at: string | null;
}

const stateOf = (index: number, record: RecordedMasterKey | undefined): ListedMasterKey['state'] => {
  if (record !== undefined && record.destroyed_at !== null) return 'destroyed';
  if (record !== undefined && record.retired_at !== null) return 'retired';
  if (index === 0) return 'wraps';
  if (record === undefined) return 'unused';
  return index === -1 ? 'missing' : 'unwraps';
};

const countWrapped = async (sql: Sql): Promise<Map<string, number>> => {
  const tables = await sql<{ table_name: string }[]>`
    select table_name
    from privacy.wrapped_key_table`;
  const counts = new Map<string, number>();
  for (const { table_name } of tables) {
    const rows = await sql<{ master_key_id: string; keys: number }[]>`
      select master_key_id, count(*) as keys
      from ${sql(table_name)}
      group by master_key_id`;
    for (const { master_key_id, keys } of rows) {
      counts.set(master_key_id, (counts.get(master_key_id) ?? 0) + keys);
    }
  }
  return counts;
};
