import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../src/core/log.ts';
import { connect, type Sql } from '../src/postgres/connect.ts';
import { lockDataDir } from '../src/postgres/embedded/data-dir.ts';
import { startEmbeddedPostgres } from '../src/postgres/embedded/embedded-postgres.ts';
import { migrate, seed as seedDatabase } from '../src/postgres/migrate.ts';
import { createSealedVault } from '../test/audit/sealed-vault-fixture.ts';
import { verifyBesideWriters } from '../test/audit/tampering/beside-writers.ts';
import { COLUMN_TAMPERINGS } from '../test/audit/tampering/log-columns.ts';
import { LOG_TAMPERINGS } from '../test/audit/tampering/log-tamperings.ts';
import { createRandom } from '../test/audit/tampering/mutate.ts';
import { showTwoViews } from '../test/audit/tampering/split-view.ts';
import { newResults, readAll, tryGroup, tryLogTampering } from '../test/audit/tampering/try-tamperings.ts';
import { type BenchOption, type Figures, progress } from './support/bench.ts';
import { readConditions } from './support/conditions.ts';

export const description = 'random tamperings as superuser: each is found and reported correctly, and nothing else is';

export const options = {
  tamperings: { default: 10_000, min: 100, max: 1_000_000, meaning: 'tamperings with rows' },
  group: { default: 25, min: 1, max: 50, meaning: 'of them at once, each with other leaves' },
  rounds: { default: 3, min: 1, max: 1_000, meaning: 'rounds of every tampering with the log itself' },
  'writer-seconds': { default: 120, min: 1, max: 3_600, meaning: 'verifying beside 8 writers' },
  seed: { default: 20_261_121, min: 0, max: 4_294_967_295, meaning: 'what the tamperings follow from' },
} as const satisfies Record<string, BenchOption>;

const WRITERS = 8;
const NAMED = 10;

/** Runs on a separate PostgreSQL. Complete if every tampering, and nothing else, was reported correctly. */
export const run = async (given: Readonly<Record<string, number>>): Promise<Figures> => {
  const chosen = given as Record<keyof typeof options, number>;
  const data_dir = join(tmpdir(), `onevault-bench-${process.pid}-${randomBytes(6).toString('hex')}`);
  const lock = lockDataDir(data_dir);
  try {
    progress('starting PostgreSQL on a temporary data directory');
    const server = await startEmbeddedPostgres({ data_dir, log: silentLog });
    try {
      await migrate(server.url);
      await seedDatabase(server.url);
      const sql = connect(server.url, { max_connections: 16, statement_timeout_ms: 0 });
      const figures = await tamper(sql, chosen).finally(() => sql.end({ timeout: 1 }));
      return { ...figures, conditions: await readConditions(server.url) };
    } finally {
      await server.stop();
    }
  } finally {
    lock.release();
    rmSync(data_dir, { recursive: true, force: true });
  }
};

const tamper = async (sql: Sql, chosen: Record<keyof typeof options, number>): Promise<Figures> => {
  const { tamperings, group, rounds, seed } = chosen;
  const started_ms = performance.now();
  const random = createRandom(seed);
  const vault = await createSealedVault({ sql });
  const [trusted, leaves] = await Promise.all([vault.published(), readAll(sql, vault)]);
  const results = newResults();
  while (results.tried < tamperings) {
    const size = Math.min(group, tamperings - results.tried);
    await tryGroup(sql, vault, trusted, { random, leaves, size }, results);
    if (results.tried % (group * 40) === 0)
      progress(`${results.tried} tamperings with rows, ${results.wrong.length} wrong`);
  }
  const with_rows = results.tried;
  progress(
    `${rounds} rounds of ${LOG_TAMPERINGS.length + COLUMN_TAMPERINGS.length} tamperings with the log, and split views`,
  );
  for (let round = 0; round < rounds; round += 1) {
    for (const tampering of [...LOG_TAMPERINGS, ...COLUMN_TAMPERINGS])
      await tryLogTampering(sql, vault, trusted, { tampering, random }, results);
    const { alone, compared } = await showTwoViews(sql, vault, trusted, leaves, random);
    results.tried += 1;
    const is_named = alone.fault_count === 0 && compared.faults.some(({ kind }) => kind === 'split_view');
    if (is_named) results.found['show two views'] = (results.found['show two views'] ?? 0) + 1;
    else
      results.wrong.push(
        `show two views: ${[...alone.faults, ...compared.faults].map(({ message }) => message).join('; ') || 'not found'}`,
      );
  }
  progress(`verifying beside ${WRITERS} writers`);
  const beside = await verifyBesideWriters(sql, vault, {
    writers: WRITERS,
    duration_ms: chosen['writer-seconds'] * 1_000,
  });
  for (const wrong of [...results.wrong, ...beside.false_alarms].slice(0, NAMED)) progress(wrong);
  return {
    is_complete: results.wrong.length === 0 && beside.false_alarms.length === 0 && beside.leaves_written > 0,
    seed,
    with_rows,
    with_log: results.tried - with_rows,
    leaves: leaves.length,
    wrong: results.wrong.length,
    found: results.found,
    writers: WRITERS,
    verifications_beside_writers: beside.verifications,
    leaves_written: beside.leaves_written,
    false_alarms: beside.false_alarms.length,
    seconds: Number(((performance.now() - started_ms) / 1_000).toFixed(1)),
  };
};
