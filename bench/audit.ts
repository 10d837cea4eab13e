import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { silentLog } from '../src/core/log.ts';
import { connect } from '../src/postgres/connect.ts';
import { lockDataDir, makePrivateFolder } from '../src/postgres/embedded/data-dir.ts';
import { startEmbeddedPostgres } from '../src/postgres/embedded/embedded-postgres.ts';
import { migrate } from '../src/postgres/migrate.ts';
import { measureProofs, sequenceAll } from './support/audit-tree.ts';
import { type BenchOption, type Figures, progress } from './support/bench.ts';
import { readConditions } from './support/conditions.ts';
import { onInterrupt } from './support/on-interrupt.ts';
import { temporaryPath } from './support/product.ts';

export const description = 'leaves/s into the audit log, and the time of a proof in a log of that size';

export const options = {
  leaves: {
    default: 1_000_000,
    min: 10_000,
    max: 100_000_000,
    meaning: 'leaves in the log; 10 million take some 2 minutes and 2 GB',
  },
  proofs: { default: 2_000, min: 100, max: 100_000, meaning: 'proofs of each kind' },
} as const satisfies Record<string, BenchOption>;

/** Fills the queue with batches of hashes, sequences and signs them, and requests proofs. All proofs are verified. */
export const run = async ({ leaves, proofs }: Readonly<Record<string, number>>): Promise<Figures> => {
  progress('starting PostgreSQL on a temporary data directory');
  const folder = temporaryPath();
  const lock = lockDataDir(folder);
  const stop = async (): Promise<void> => {
    lock.release();
    rmSync(folder, { recursive: true, force: true });
  };
  const removeInterrupt = onInterrupt(stop);
  try {
    const data_dir = join(folder, 'postgres');
    makePrivateFolder(data_dir);
    const server = await startEmbeddedPostgres({ data_dir, log: silentLog });
    try {
      await migrate(server.url);
      const sql = connect(server.url, { max_connections: 4, statement_timeout_ms: 0 });
      try {
        const sequenced = await sequenceAll(sql, leaves!, mkdtempSync(join(folder, 'checkpoints-')));
        progress(`${leaves} leaves at ${sequenced.leaves_per_s} leaves/s; ${proofs} proofs of each kind`);
        const measured = await measureProofs(sql, sequenced.tree_size, proofs!);
        return {
          is_complete: sequenced.tree_size >= leaves! && measured.wrong === 0,
          conditions: { ...(await readConditions(server.url)), connections: 1 },
          ...sequenced,
          ...measured,
        };
      } finally {
        await sql.end({ timeout: 1 });
      }
    } finally {
      await server.stop();
    }
  } finally {
    removeInterrupt();
    await stop();
  }
};
