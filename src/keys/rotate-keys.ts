import type { TransactionSql } from 'postgres';
import { type Clock, instantOf } from '../core/clock.ts';
import type { NextId } from '../core/ids.ts';
import type { Sql } from '../postgres/connect.ts';
import { createDataKeyStore, MASTER_KEYS_LOCK } from './data-keys.ts';
import { destroyRetired, readRetired } from './destroy-retired.ts';
import { makeDataKey } from './keyring.ts';
import type { Kms, WrappedKey } from './kms.ts';

// biome-ignore lint/complexity/noBannedTypes: the driver's own spelling of "no parameter types of ours"
type Transaction = TransactionSql<{}>;

export interface RotationDeps {
  readonly sql: Sql;
  readonly kms: Kms;
  readonly clock: Clock;
  readonly nextId: NextId;
}

export interface RotationInput {
  /** Keeps retired master keys; a later rotation without this option destroys them. */
  readonly keep_old: boolean;
  /**
   * Keeps the current data key, if only the master key must change: data keys are never deleted, and every later
   * rotation wraps each of them again. A resumed rotation still creates the data key that it had started for.
   */
  readonly keep_data_key?: boolean;
  /**
   * Records the rotation in the audit log and runs `finish` in the same transaction, so that both happen once, however
   * often the rotation was interrupted.
   */
  readonly complete: (rotation: Rotation, finish: (tx: Transaction) => Promise<void>) => Promise<void>;
}

export interface Rotation {
  readonly key_rotation_id: string;
  readonly started_at: string;
  /** True if this run completed a rotation that was interrupted. */
  readonly is_resumed: boolean;
  /** The master key that now wraps every key. */
  readonly master_key_id: string;
  /** False if the operator must provide a new master key first. */
  readonly is_new_master_key: boolean;
  readonly data_key_id: string;
  /** By table, as `privacy.data_key`: number of keys that this run wrapped again. */
  readonly rewrapped: Readonly<Record<string, number>>;
  /** Master keys that wrap nothing any more but still exist. */
  readonly retired: readonly string[];
  readonly destroyed: readonly string[];
}

interface Started {
  readonly key_rotation_id: string;
  readonly started_at: string;
  readonly replaced_master_key_id: string | null;
  readonly is_resumed: boolean;
}

interface WrappedTable {
  readonly table_name: string;
  readonly key_column: string;
}

/** Keys are still wrapped under an old master key, because some process has an older configuration. */
export class RotationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RotationError';
  }
}

// Limits concurrent requests to the service. Each row is also one statement.
const REWRAPS_AT_ONCE = 8;
const ROWS_AT_ONCE = 200;
// The next round wraps the keys that were created while the last one ran.
const ROUNDS = 10;

/**
 * Creates a newer master key, wraps every key under it, creates a newer data key, and destroys the master keys that
 * wrap nothing any more. The product keeps working: one statement changes the wrapping of each key, and sealed values
 * stay unchanged. After an interruption the next call continues. The caller holds a lease, so that only one runs.
 * @throws KmsError, UnknownMasterKeyError, UnwrapError, RotationError
 */
export const rotateKeys = async (deps: RotationDeps, input: RotationInput): Promise<Rotation> => {
  const { sql, kms } = deps;
  const started = await startOrResume(deps);
  const is_new_master_key = await ensureNewMasterKey(kms, started);
  const master_key_id = await newestOf(kms);
  await recordMasterKey(deps, master_key_id);
  const tables = await readTables(sql);
  const rewrapped: Record<string, number> = {};
  for (let round = 1; ; round += 1) {
    for (const table of tables) {
      const count = await rewrapTable(deps, table, master_key_id);
      rewrapped[table.table_name] = (rewrapped[table.table_name] ?? 0) + count;
    }
    if (await retireOthers(deps, tables, master_key_id)) break;
    if (round === ROUNDS) {
      throw new RotationError(
        `Keys are still wrapped under other master keys than ${master_key_id}: give every process of the product the same settings, and rotate again.`,
      );
    }
  }
  const is_data_key_kept = input.keep_data_key === true && !started.is_resumed;
  const data_key_id = await ensureDataKey(deps, is_data_key_kept ? null : started.started_at);
  const destroyed = input.keep_old ? [] : await destroyRetired(deps, await readRetired(sql));
  const retired = await readRetired(sql);
  const { key_rotation_id, started_at, is_resumed } = started;
  const rotation: Rotation = {
    key_rotation_id,
    started_at,
    is_resumed,
    master_key_id,
    is_new_master_key,
    data_key_id,
    rewrapped,
    retired,
    destroyed,
  };
  await input.complete(rotation, async (tx) => {
    await tx`
      update privacy.key_rotation
      set completed_at = ${instantOf(deps.clock.now())}
      where key_rotation_id = ${key_rotation_id}
        and completed_at is null`;
  });
  return rotation;
};

const newestOf = async (kms: Kms): Promise<string> => {
  const [newest] = await kms.list();
  if (newest === undefined) throw new RotationError('There is no master key: create one, then rotate again.');
  return newest.master_key_id;
};

/** The interrupted rotation, or a new one. */
const startOrResume = async ({ sql, kms, clock, nextId }: RotationDeps): Promise<Started> => {
  const [open] = await sql<Omit<Started, 'is_resumed'>[]>`
    select key_rotation_id, started_at, replaced_master_key_id
    from privacy.key_rotation
    where completed_at is null`;
  if (open !== undefined) return { ...open, is_resumed: true };
  const newest = await newestOf(kms);
  const [used] = await sql`
    select master_key_id
    from privacy.master_key
    where master_key_id = ${newest}`;
  const started = {
    key_rotation_id: nextId(),
    started_at: instantOf(clock.now()),
    // A newest key that wraps nothing yet is already the target of this rotation.
    replaced_master_key_id: used === undefined ? null : newest,
  };
  await sql`
    insert into privacy.key_rotation (key_rotation_id, started_at, replaced_master_key_id)
    values (${started.key_rotation_id}, ${started.started_at}, ${started.replaced_master_key_id})`;
  return { ...started, is_resumed: false };
};

const ensureNewMasterKey = async (kms: Kms, { replaced_master_key_id }: Started): Promise<boolean> =>
  (await newestOf(kms)) !== replaced_master_key_id || (await kms.rotate());

/**
 * Records a master key before anything is wrapped under it, because an erasure names every recorded key. The
 * write-ahead log also holds keys of statements that never committed.
 */
const recordMasterKey = async ({ sql, clock }: RotationDeps, master_key_id: string): Promise<void> => {
  await sql`
    insert into privacy.master_key (master_key_id, first_used_at)
    values (${master_key_id}, ${instantOf(clock.now())})
    on conflict do nothing`;
};

const readTables = async (sql: Sql): Promise<WrappedTable[]> => [
  ...(await sql<WrappedTable[]>`
    select table_name, key_column
    from privacy.wrapped_key_table
    order by table_name`),
];

/** Wraps the table's keys under the newest master key. @returns the number of keys that it wrapped */
const rewrapTable = async (deps: RotationDeps, table: WrappedTable, newest: string): Promise<number> => {
  const { sql } = deps;
  let count = 0;
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const rows = await sql<StoredRow[]>`
      select ${sql(table.key_column)} as key_id, wrapped_key, master_key_id
      from ${sql(table.table_name)}
      where master_key_id <> ${newest}
        and ${sql(table.key_column)} > ${after}
      order by ${sql(table.key_column)}
      limit ${ROWS_AT_ONCE}`;
    for (let at = 0; at < rows.length; at += REWRAPS_AT_ONCE) {
      const done = await Promise.all(rows.slice(at, at + REWRAPS_AT_ONCE).map((row) => rewrapRow(deps, table, row)));
      count += done.filter((is_done) => is_done).length;
    }
    const last = rows.at(-1);
    if (last === undefined) return count;
    after = last.key_id;
  }
};

interface StoredRow {
  readonly key_id: string;
  readonly wrapped_key: string;
  readonly master_key_id: string;
}

/** One statement, which changes nothing if the key was erased or wrapped again in between. */
const rewrapRow = async (
  { sql, kms, clock }: RotationDeps,
  { table_name, key_column }: WrappedTable,
  { key_id, wrapped_key, master_key_id }: StoredRow,
): Promise<boolean> => {
  const old: WrappedKey = { wrapped_key: Buffer.from(wrapped_key, 'hex'), master_key_id };
  const fresh = await kms.rewrap(old, { table: table_name, key_id });
  const updated = await sql`
    update ${sql(table_name)}
    set wrapped_key = ${fresh.wrapped_key},
        master_key_id = ${fresh.master_key_id},
        wrapped_at = ${instantOf(clock.now())}
    where ${sql(key_column)} = ${key_id}
      and wrapped_key = ${old.wrapped_key}
      and master_key_id = ${master_key_id}
    returning 1`;
  return updated.length === 1;
};

/**
 * Retires every master key except the newest, if no key is wrapped under them. Nothing can be wrapped meanwhile.
 * @returns false, without any change, if a key still is
 */
const retireOthers = async (
  { sql, clock }: RotationDeps,
  tables: readonly WrappedTable[],
  newest: string,
): Promise<boolean> =>
  (await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtextextended(${MASTER_KEYS_LOCK}, 0))`;
    await tx`
      select master_key_id
      from privacy.master_key
      where retired_at is null
      order by master_key_id
      for update`;
    for (const { table_name } of tables) {
      const left = await tx`
        select 1
        from ${tx(table_name)}
        where master_key_id <> ${newest}
        limit 1`;
      if (left.length > 0) return false;
    }
    await tx`
      update privacy.master_key
      set retired_at = ${instantOf(clock.now())}
      where retired_at is null
        and master_key_id <> ${newest}`;
    return true;
  })) as boolean;

/** The newest data key, or a new one if it is older than `since`. */
const ensureDataKey = async (deps: RotationDeps, since: string | null): Promise<string> => {
  const { sql, kms, clock, nextId } = deps;
  const [made] = await sql<{ data_key_id: string }[]>`
    select data_key_id
    from privacy.data_key
    where ${since}::timestamptz is null
       or created_at >= ${since}
    order by key_number desc
    limit 1`;
  if (made !== undefined) return made.data_key_id;
  const store = createDataKeyStore(sql, () => instantOf(clock.now()));
  return makeDataKey({ kms, store, nextId });
};
