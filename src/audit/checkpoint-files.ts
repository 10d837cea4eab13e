import { mkdir, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type FiledCheckpoint, formatCheckpointText, parseCheckpointText, separatorAfter } from './checkpoint-text.ts';

/** The log's checkpoints outside the database, where a person who can rewrite the database cannot rewrite them. */
export interface CheckpointFiles {
  /**
   * The checkpoints of the newest file that has one, in order; empty before the first.
   * @throws NoteError if a file was changed
   */
  newest(): Promise<readonly FiledCheckpoint[]>;
  /** Appends notes; resolves when they are on disk. @param day `YYYY-MM-DD`, of the newest of them */
  append(notes: readonly string[], day: string): Promise<void>;
}

const FILE = /^\d{4}-\d{2}-\d{2}\.txt$/;

/** The append-only checkpoint files of a folder, one a day; the first checkpoint creates the folder. */
export const createCheckpointFiles = (folder: string): CheckpointFiles => {
  let read: { readonly state: string; readonly checkpoints: readonly FiledCheckpoint[] } | null = null;

  return {
    async newest() {
      const names = await listCheckpointFiles(folder);
      const state = await stateOf(folder, names);
      if (read?.state === state) return read.checkpoints;
      const checkpoints = await readNewest(folder, names);
      read = { state, checkpoints };
      return checkpoints;
    },
    async append(notes, day) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const newest = (await listCheckpointFiles(folder)).at(-1);
      const name = `${day}.txt`;
      // If a clock is set back, a note must still come after older ones.
      await appendText(folder, newest !== undefined && newest > name ? newest : name, formatCheckpointText(notes));
    },
  };
};

/** The names of a folder's checkpoint files, the oldest first; none without the folder. */
export const listCheckpointFiles = async (folder: string): Promise<string[]> => {
  try {
    return (await readdir(folder)).filter((name) => FILE.test(name)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

/** Changes with every change of the files. */
const stateOf = async (folder: string, names: readonly string[]): Promise<string> => {
  const newest = names.at(-1);
  if (newest === undefined) return '';
  const { size, mtimeMs, ino } = await stat(join(folder, newest));
  return [names.length, newest, size, mtimeMs, ino].join(' ');
};

const readNewest = async (folder: string, names: readonly string[]): Promise<FiledCheckpoint[]> => {
  for (const name of names.toReversed()) {
    const checkpoints = parseCheckpointText(await readFile(join(folder, name), 'utf8'));
    if (checkpoints.length > 0) return checkpoints;
  }
  return [];
};

const appendText = async (folder: string, name: string, text: string): Promise<void> => {
  const path = join(folder, name);
  const file = await open(path, 'a+', 0o600);
  try {
    const before = await file.readFile('utf8');
    await file.writeFile(`${separatorAfter(before)}${text}`);
    await file.sync();
  } finally {
    await file.close();
  }
  // The name of a new file is on disk only when its folder is.
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
};
