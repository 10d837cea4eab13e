import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Sql } from '../core/postgres.ts';
import { listCheckpointFiles } from '../pipeline/seal/checkpoint-files.ts';
import { parseCheckpointText } from '../pipeline/seal/checkpoint-text.ts';
import { readOrigin } from '../vault/audit/log.ts';

/** A checkpoint that was seen outside the database. */
export interface SeenCheckpoint {
  readonly note: string;
  readonly source: string;
}

/** The checkpoints in files, which whoever rewrites the database cannot rewrite: those of the log that is kept now. */
export const readPublished = async (folder: string, origin: string | null): Promise<SeenCheckpoint[]> => {
  const found: SeenCheckpoint[] = [];
  for (const name of await listCheckpointFiles(folder)) {
    const source = join(folder, name);
    for (const checkpoint of parseCheckpointText(await readFile(resolve(source), 'utf8'))) {
      if (origin === null || checkpoint.origin === origin) found.push({ note: checkpoint.note, source });
    }
  }
  return found;
};

/** The keys that the database publishes for the log that is kept now. */
export const readPublishedKeys = async (sql: Sql): Promise<string[]> => {
  const origin = await readOrigin(sql);
  const rows = await sql<{ verifier_key: string }[]>`
    select verifier_key
    from audit.signing_key
    where name = ${origin ?? ''}
    order by created_at`;
  return rows.map(({ verifier_key }) => verifier_key);
};
