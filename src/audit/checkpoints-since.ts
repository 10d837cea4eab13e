import type { Sql } from '../postgres/connect.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { isSignedBy, parseNote, parseVerifierKey } from './note.ts';
import { readRoot } from './read-hashes.ts';
import { TreeMismatchError } from './tree-mismatch.ts';

/** A signed note of the log, without its witnesses. */
export interface StoredCheckpoint {
  readonly tree_size: number;
  readonly note: string;
  readonly checkpoint_at: string;
}

/** Number of checkpoints in one read. */
const PAGE = 500;

/**
 * Checkpoints of the current log from a size on, in order, in pages. Each is compared with its signature and with the
 * tree before it is returned.
 * @param from_size the least size, included
 * @throws TreeMismatchError that names the size of a mismatch
 */
export async function* checkpointsSince(sql: Sql, from_size: number): AsyncGenerator<StoredCheckpoint[]> {
  let last: CheckpointRow | null = null;
  for (;;) {
    const page: readonly CheckpointRow[] = await readPage(sql, from_size, last);
    for (const row of page) await assertGenuine(sql, row);
    if (page.length > 0) yield [...page];
    last = page.at(-1) ?? last;
    if (page.length < PAGE) return;
  }
}

interface CheckpointRow extends StoredCheckpoint {
  /** Two keys sign the same size in the order of their creation. */
  readonly key_number: number;
  readonly verifier_key: string;
}

const readPage = async (
  sql: Sql,
  from_size: number,
  last: CheckpointRow | null,
): Promise<readonly CheckpointRow[]> => sql<CheckpointRow[]>`
  select checkpoint.tree_size, checkpoint.note, checkpoint.checkpoint_at, key.key_number, key.verifier_key
  from audit.checkpoint
  join audit.signing_key key using (key_id)
  where checkpoint.tree_size >= ${from_size}
    and key.name = (
      select 'onevault/' || log_id
      from audit.log
      order by log_number desc
      limit 1)
    ${last === null ? sql`` : sql`and (checkpoint.tree_size, key.key_number) > (${last.tree_size}, ${last.key_number})`}
  order by checkpoint.tree_size, key.key_number
  limit ${PAGE}`;

const assertGenuine = async (sql: Sql, row: CheckpointRow): Promise<void> => {
  const fault = await faultOf(sql, row).catch((error: unknown) => {
    if (error instanceof Error && ['NoteError', 'MissingHashError'].includes(error.name)) return error.message;
    throw error;
  });
  if (fault !== null) {
    throw new TreeMismatchError(
      'rewritten',
      `the stored checkpoint of ${row.tree_size} leaves is not genuine: ${fault}`,
    );
  }
};

const faultOf = async (sql: Sql, { note, tree_size, verifier_key }: CheckpointRow): Promise<string | null> => {
  const signed = parseNote(note);
  const key = parseVerifierKey(verifier_key);
  const head = parseCheckpoint(signed.text);
  if (head.tree_size !== tree_size || head.origin !== key.name) return 'its note is of another tree';
  if (!isSignedBy(signed, key)) return `its note is not signed by the key ${key.key_id}`;
  return (await readRoot(sql, tree_size)).equals(head.root) ? null : "its root is not the tree's";
};
