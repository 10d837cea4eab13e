import type { TransactionSql } from 'postgres';
import type { Sql } from '../postgres/connect.ts';
import { type KeyPlace, type Kms, UnknownMasterKeyError, type WrappedKey } from './kms.ts';

/** Table of the keys that seal values. */
export const DATA_KEY_TABLE = 'privacy.data_key';

/** Storage of wrapped data keys. */
export interface DataKeyStore {
  /** The id of the newest key; null if no key exists. */
  newest(): Promise<string | null>;
  /** The wrapped key; null if it does not exist. */
  find(data_key_id: string): Promise<WrappedKey | null>;
  /** Adds a key, which then is the newest. */
  insert(data_key_id: string, wrap: (place: KeyPlace) => Promise<WrappedKey>): Promise<void>;
  /** Reserves a number of seals for this process. @returns false if the key would exceed `max` seals */
  reserve(data_key_id: string, seals: number, max: number): Promise<boolean>;
}

/**
 * Data keys in PostgreSQL.
 * @param now instant for the stamps of rows, ISO 8601
 */
export const createDataKeyStore = (sql: Sql, now: () => string): DataKeyStore => ({
  newest: async () => {
    const [row] = await sql<{ data_key_id: string }[]>`
      select data_key_id
      from privacy.data_key
      order by key_number desc
      limit 1`;
    return row?.data_key_id ?? null;
  },
  find: async (data_key_id) => {
    const [row] = await sql<{ wrapped_key: string; master_key_id: string }[]>`
      select wrapped_key, master_key_id
      from privacy.data_key
      where data_key_id = ${data_key_id}`;
    return row === undefined
      ? null
      : { wrapped_key: Buffer.from(row.wrapped_key, 'hex'), master_key_id: row.master_key_id };
  },
  insert: async (data_key_id, wrap) => {
    await sql.begin(async (tx) => {
      await holdMasterKeys(tx);
      const { wrapped_key, master_key_id } = await wrap({ table: DATA_KEY_TABLE, key_id: data_key_id });
      const at = now();
      await tx`
        insert into privacy.data_key (data_key_id, wrapped_key, master_key_id, created_at, wrapped_at)
        values (${data_key_id}, ${wrapped_key}, ${master_key_id}, ${at}, ${at})`;
      await tx`
        insert into privacy.data_key_seals (data_key_id, reserved)
        values (${data_key_id}, 0)`;
    });
  },
  reserve: async (data_key_id, seals, max) => {
    const rows = await sql`
      update privacy.data_key_seals
      set reserved = reserved + ${seals}
      where data_key_id = ${data_key_id}
        and reserved + ${seals} <= ${max}
      returning data_key_id`;
    return rows.length === 1;
  },
});

/**
 * Prevents the retirement of master keys until the transaction ends. Call it first in each transaction that writes
 * a wrapped key; otherwise the write may be refused, because the master key was retired in between.
 */
// biome-ignore lint/complexity/noBannedTypes: the driver's own spelling of "no parameter types of ours"
export const holdMasterKeys = async (tx: TransactionSql<{}>): Promise<void> => {
  await tx`select pg_advisory_xact_lock_shared(hashtextextended(${MASTER_KEYS_LOCK}, 0))`;
};

/** Advisory lock that `holdMasterKeys` shares and that the retirement of a master key takes exclusively. */
export const MASTER_KEYS_LOCK = 'onevault master keys';

// A rotation may end between the read of a wrapped key and its unwrapping, but rarely twice.
const READS = 3;

/**
 * Unwraps a stored key, also while a rotation runs.
 * @param read reads the key from its table
 * @returns null if the key does not exist
 * @throws UnknownMasterKeyError, UnwrapError, KmsError
 */
export const unwrapStored = async (
  kms: Kms,
  place: KeyPlace,
  read: () => Promise<WrappedKey | null>,
): Promise<Buffer | null> => {
  for (let reads = 1; ; reads += 1) {
    const wrapped = await read();
    if (wrapped === null) return null;
    try {
      return await kms.unwrap(wrapped, place);
    } catch (error) {
      if (!(error instanceof UnknownMasterKeyError) || reads === READS) throw error;
    }
  }
};
