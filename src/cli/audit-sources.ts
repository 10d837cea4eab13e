import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { listCheckpointFiles } from '../audit/checkpoint-files.ts';
import { parseCheckpointText } from '../audit/checkpoint-text.ts';
import { readOrigin } from '../audit/current-log.ts';
import { InputError } from '../core/input-error.ts';
import type { Sql } from '../postgres/connect.ts';

/** A checkpoint outside the database. */
export interface SeenCheckpoint {
  readonly note: string;
  readonly source: string;
}

/**
 * The checkpoints in files, which an attacker who rewrites the database cannot rewrite. Checkpoints of another log count
 * too: `onevault audit new-log` starts another log with an empty folder, so a mixed folder means a replaced log.
 */
export const readPublished = async (folder: string): Promise<SeenCheckpoint[]> => {
  const found: SeenCheckpoint[] = [];
  for (const name of await listCheckpointFiles(folder)) {
    const source = join(folder, name);
    for (const { note } of parseCheckpointText(await readFile(resolve(source), 'utf8'))) {
      found.push({ note, source });
    }
  }
  return found;
};

/** The keys that the database publishes for the current log. */
export const readPublishedKeys = async (sql: Sql): Promise<string[]> => {
  const origin = await readOrigin(sql);
  const rows = await sql<{ verifier_key: string }[]>`
    select verifier_key
    from audit.signing_key
    where name = ${origin ?? ''}
    order by created_at`;
  return rows.map(({ verifier_key }) => verifier_key);
};

/** Reads a file of the user. @throws InputError that names it */
export const readGiven = async <T>(path: string, read: () => Promise<T>): Promise<T> => {
  try {
    return await read();
  } catch (error) {
    throw new InputError(`${path} cannot be read: ${(error as Error).message}`);
  }
};
