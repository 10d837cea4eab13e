import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../src/core/log.ts';
import { lockDataDir } from '../src/postgres/embedded/data-dir.ts';
import { startEmbeddedPostgres } from '../src/postgres/embedded/embedded-postgres.ts';
import { migrate } from '../src/postgres/migrate.ts';
import { type Figures, progress } from './support/bench.ts';
import { readConditions } from './support/conditions.ts';
import { tryHashes } from './support/hash-trial.ts';

export const description = 'hashes of adversarial tuples: collisions, and TypeScript against SQL';

export const options = {
  tuples: { default: 1_048_576, min: 1_000, max: 4_000_000, meaning: 'tuples in all' },
  sessions: { default: 64, min: 32, max: 256, meaning: 'combinations of session settings' },
  seed: { default: 20_261_121, min: 0, max: 4_294_967_295, meaning: 'what the tuples follow from' },
} as const;

/** Runs on a separate PostgreSQL. Complete if every tuple was hashed and no hash was wrong. */
export const run = async (given: Readonly<Record<string, number>>): Promise<Figures> => {
  const { tuples, sessions, seed } = given as Record<keyof typeof options, number>;
  const data_dir = join(tmpdir(), `onevault-bench-${process.pid}-${randomBytes(6).toString('hex')}`);
  const lock = lockDataDir(data_dir);
  try {
    progress('starting PostgreSQL on a temporary data directory');
    const server = await startEmbeddedPostgres({ data_dir, log: silentLog });
    try {
      await migrate(server.url);
      progress(`hashing ${tuples} tuples under ${sessions} combinations of settings`);
      const started_ms = performance.now();
      const result = await tryHashes(server.url, { tuples, sessions, seed });
      const seconds = (performance.now() - started_ms) / 1_000;
      const is_complete = result.tuples === tuples && result.collisions === 0 && result.differences === 0;
      return {
        is_complete,
        seed,
        ...result,
        seconds: Number(seconds.toFixed(1)),
        ...(await readConditions(server.url)),
      };
    } finally {
      await server.stop();
    }
  } finally {
    lock.release();
    rmSync(data_dir, { recursive: true, force: true });
  }
};
