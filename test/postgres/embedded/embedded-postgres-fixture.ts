import { silentLog } from '../../../src/core/log.ts';
import { lockDataDir } from '../../../src/postgres/embedded/data-dir.ts';
import { startEmbeddedPostgres } from '../../../src/postgres/embedded/embedded-postgres.ts';

// A process for the tests: `node embedded-postgres-fixture.ts <data_dir>` locks the folder, starts PostgreSQL on it,
// prints its URL as one line of JSON, and stops when its standard input ends.
const [data_dir = ''] = process.argv.slice(2);
try {
  const lock = lockDataDir(data_dir);
  const postgres = await startEmbeddedPostgres({ data_dir, log: silentLog });
  process.stdout.write(`${JSON.stringify({ url: postgres.url })}\n`);
  process.stdin.resume().once('end', async () => {
    await postgres.stop();
    lock.release();
  });
} catch (error) {
  process.stdout.write(`${JSON.stringify({ error: (error as Error).message })}\n`);
}
