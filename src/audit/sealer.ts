import { type Clock, instantOf } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Keyring } from '../keys/contract.ts';
import type { Sql } from '../postgres/connect.ts';
import type { TreeHead } from './checkpoint.ts';
import type { CheckpointFiles } from './checkpoint-files.ts';
import type { FiledCheckpoint } from './checkpoint-text.ts';
import { checkpointsSince } from './checkpoints-since.ts';
import { type Sealed, sealTree } from './seal-tree.ts';
import { TreeMismatchError } from './tree-mismatch.ts';

export interface SealerDeps {
  /** Of more than one connection, or the keyring of another pool. */
  readonly sql: Sql;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly files: CheckpointFiles;
  readonly log: Log;
}

/** Appends what is queued to the audit log's tree, signs checkpoints, and files them outside the database. */
export interface Sealer {
  /**
   * One round. After an error the next one compares the database with the files whether or not there is work.
   * @throws TreeMismatchError when the database's tree does not extend the checkpoint files; NoteError when those
   * were changed; errors of the database
   */
  run(): Promise<Sealed>;
}

export const createSealer = (deps: SealerDeps): Sealer => {
  let is_check_forced = true;
  return {
    async run() {
      const published = largestOf(await deps.files.newest());
      try {
        let sealed = await sealTree(deps.sql, { ...deps, published, is_check_forced });
        // Without work a round reads no roots. That the log is shorter than what was published, it sees all the same.
        if (!is_check_forced && sealed.tree_size < (published?.tree_size ?? 0))
          sealed = await sealTree(deps.sql, { ...deps, published, is_check_forced: true });
        if (is_check_forced || sealed.checkpoint_size > (published?.tree_size ?? 0)) await fileCheckpoints(deps);
        is_check_forced = false;
        return sealed;
      } catch (error) {
        is_check_forced = true;
        throw error;
      }
    },
  };
};

const largestOf = (filed: readonly FiledCheckpoint[]): TreeHead | null =>
  filed.reduce<FiledCheckpoint | null>(
    (largest, each) => (largest === null || each.tree_size >= largest.tree_size ? each : largest),
    null,
  );

/** Appends to the files what only the table has: the newest checkpoint, and those before a crash. */
const fileCheckpoints = async ({ sql, clock, files, log }: SealerDeps): Promise<void> => {
  const filed = await files.newest();
  const from_size = largestOf(filed)?.tree_size ?? 0;
  const known = new Set(filed.map(({ note }) => note));
  let count = 0;
  for await (const page of checkpointsSince(sql, from_size)) {
    const notes = page.map(({ note }) => note).filter((note) => !known.has(note));
    if (notes.length === 0) continue;
    await files.append(notes, instantOf(clock.now()).slice(0, 'YYYY-MM-DD'.length));
    count += notes.length;
  }
  if (count > 1) log.info({ checkpoints: count }, 'checkpoints that the files lacked are filed');
};

/** True if an error means that the published and the stored log differ, and not that something is unavailable. */
export const isMismatch = (error: unknown): error is Error =>
  error instanceof TreeMismatchError ||
  (error instanceof Error && ['NoteError', 'MissingHashError'].includes(error.name));
