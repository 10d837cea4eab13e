import type { Sql } from '../postgres/connect.ts';
import type { Transaction } from '../vault/transaction.ts';
import { formatNote, parseNote } from './note.ts';

/** A published checkpoint of the log. */
export interface Checkpoint {
  readonly origin: string;
  readonly tree_size: number;
  /** Lower-case hex. */
  readonly root_hash: string;
  /** The key that signed it. */
  readonly key_id: string;
  /** The signed note, with the signatures of the witnesses that have confirmed it. */
  readonly note: string;
  /** ISO 8601, UTC. */
  readonly checkpoint_at: string;
}

/** A public key of the log, and the sizes that it signs for. */
export interface PublishedKey {
  readonly key_id: string;
  readonly name: string;
  /** C2SP vkey. */
  readonly verifier_key: string;
  readonly created_at: string;
  readonly retired_at: string | null;
  /** Its first and last signed size; null before the first. */
  readonly first_size: number | null;
  readonly last_size: number | null;
}

/** The newest checkpoint of the current log, with its witnesses' signatures; null before the first. */
export const latestCheckpoint = async (sql: Sql | Transaction): Promise<Checkpoint | null> => {
  const [found] = await readCheckpoints(sql, null);
  return found ?? null;
};

/** The published checkpoint of a size; null without one. */
export const checkpointAt = async (sql: Sql | Transaction, tree_size: number): Promise<Checkpoint | null> => {
  const [found] = await readCheckpoints(sql, tree_size);
  return found ?? null;
};

/** Every public key of the current log and of earlier ones, the oldest first. */
export const listKeys = async (sql: Sql | Transaction): Promise<PublishedKey[]> => [
  ...(await sql<PublishedKey[]>`
    select
      key.key_id,
      key.name,
      key.verifier_key,
      key.created_at,
      retirement.retired_at,
      signed.first_size,
      coalesce(retirement.first_size_of_next, signed.last_size) as last_size
    from audit.signing_key key
    left join audit.signing_key_retirement retirement using (key_id)
    cross join lateral (
      select min(tree_size) as first_size, max(tree_size) as last_size
      from audit.checkpoint
      where checkpoint.key_id = key.key_id) signed
    order by key.key_number`),
];

/** The name of the current log, as a part of a statement. */
const currentOrigin = (sql: Sql | Transaction) => sql`
  select 'onevault/' || log_id
  from audit.log
  order by log_number desc
  limit 1`;

interface CheckpointRow extends Checkpoint {
  readonly cosignatures: readonly string[];
}

const readCheckpoints = async (sql: Sql | Transaction, tree_size: number | null): Promise<Checkpoint[]> => {
  const rows = await sql<CheckpointRow[]>`
    select
      key.name as origin,
      checkpoint.tree_size,
      encode(checkpoint.root_hash, 'hex') as root_hash,
      checkpoint.key_id,
      checkpoint.note,
      checkpoint.checkpoint_at,
      array(
        select signature_line
        from audit.cosignature
        where cosignature.tree_size = checkpoint.tree_size
          and cosignature.root_hash = checkpoint.root_hash
        order by witness_name, key_hash) as cosignatures
    from audit.checkpoint
    join audit.signing_key key using (key_id)
    where key.name = (${currentOrigin(sql)})
      ${tree_size === null ? sql`` : sql`and checkpoint.tree_size = ${tree_size}`}
    order by checkpoint.tree_size desc, key.key_number desc
    limit 1`;
  return rows.map(({ cosignatures, ...checkpoint }) => ({
    ...checkpoint,
    note: withSignatures(checkpoint.note, cosignatures),
  }));
};

const withSignatures = (note: string, lines: readonly string[]): string => {
  if (lines.length === 0) return note;
  const { text, signatures } = parseNote(note);
  return formatNote(text, [...signatures.map(({ line }) => line), ...lines]);
};
