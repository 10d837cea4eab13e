import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createLog } from '../src/core/log.ts';
import { connect, type Sql } from '../src/postgres/connect.ts';
import { lockDataDir, makePrivateFolder } from '../src/postgres/embedded/data-dir.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/postgres/embedded/embedded-postgres.ts';
import { migrate, seed } from '../src/postgres/migrate.ts';
import { type BenchOption, type Figures, progress } from './support/bench.ts';
import { readConditions } from './support/conditions.ts';
import { type DrainFigures, startLoadProgram } from './support/drain.ts';
import { fillJournal } from './support/fill-journal.ts';
import { fillVault } from './support/fill-vault.ts';
import type { StrategyName } from './support/load-strategies.ts';
import { compareWithLog } from './support/log-compared.ts';
import { onInterrupt } from './support/on-interrupt.ts';
import { percentile, rounded } from './support/percentile.ts';
import { temporaryPath } from './support/product.ts';
import { countVaultCalls } from './support/vault-calls.ts';

export const description = 'calls/s from the journal into the vault, and other ways of writing the same rows';

export const options = {
  calls: { default: 100_000, min: 2_000, max: 10_000_000, meaning: 'calls to load' },
  history: {
    default: 0,
    min: 0,
    max: 100_000_000,
    meaning: 'calls the vault is filled to before more are loaded; 10 million take minutes and 20 GB',
  },
  compared: { default: 10_000, min: 1_000, max: 1_000_000, meaning: 'calls that each way loads' },
  'log-compared': {
    default: 0,
    min: 0,
    max: 1_000_000,
    meaning: 'calls loaded with the audit log, and as many without it, in turns',
  },
} as const satisfies Record<string, BenchOption>;

// Until then V8 and PostgreSQL's caches are warm.
const WARM_UP_CALLS = 2_000;

interface Bed {
  readonly folder: string;
  readonly database_url: string;
  stop(): Promise<void>;
}

/** Loads a journal of calls, an intent and an outcome each, into an empty vault with durable commits. */
export const run = async ({
  calls,
  compared,
  history,
  'log-compared': log_compared,
}: Readonly<Record<string, number>>): Promise<Figures> => {
  progress('starting PostgreSQL on a temporary data directory');
  const bed = await makeBed();
  const sql = connect(bed.database_url, { max_connections: 1 });
  try {
    const product = await loadCalls(bed, 'product', calls!);
    const stored = await readStored(sql, bed);
    const ways: Record<Exclude<StrategyName, 'unlogged'>, DrainFigures> = {
      product: await loadCalls(bed, 'product', compared!),
      'row-by-row': await loadCalls(bed, 'row-by-row', compared!),
      copy: await loadCalls(bed, 'copy', compared!),
    };
    const expected = calls! + 3 * compared! + 4 * WARM_UP_CALLS;
    const { rows } = await countVaultCalls(bed.database_url);
    const log = log_compared === 0 ? null : await compareWithLog(bed, log_compared!);
    const batches = Float64Array.from(product.batches_ms).sort();
    return {
      is_complete: rows === expected,
      conditions: { ...(await readConditions(bed.database_url)), connections: 1 },
      calls,
      duration_s: rounded(product.duration_s),
      calls_per_s: speedOf(product),
      batch_p50_ms: rounded(percentile(batches, 50)),
      batch_p99_ms: rounded(percentile(batches, 99)),
      loader_cpu_us_a_call: rounded((product.cpu_s * 1e6) / calls!, 0),
      postgres_bytes_a_call: stored.bytes_a_call,
      compared: {
        calls: compared,
        calls_per_s: Object.fromEntries(Object.entries(ways).map(([name, way]) => [name, speedOf(way)])),
        times_row_by_row: rounded(speedOf(ways.product) / speedOf(ways['row-by-row']), 1),
        times_copy: rounded(speedOf(ways.product) / speedOf(ways.copy), 1),
      },
      vault_rows: rows,
      ...(log === null ? {} : { log_compared: log }),
      ...(history! > rows ? { history: await compareWithHistory(bed, calls!, history!) } : {}),
    };
  } finally {
    await sql.end({ timeout: 1 });
    await bed.stop();
  }
};

// The two vaults take turns, so that other work on the machine slows both.
const ROUNDS = 5;

/** Loads alternately into a vault with a long history and into one with only `calls`. */
const compareWithHistory = async (bed: Bed, calls: number, history: number): Promise<object> => {
  const young = { ...bed, database_url: await makeDatabase(bed.database_url, 'young') };
  await loadCalls(young, 'product', calls);
  await fillVault(bed.database_url, history);
  const durations: Record<'young' | 'old', number[]> = { young: [], old: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const share = Math.max(1, Math.floor(calls / ROUNDS));
    durations.young.push(...(await loadCalls(young, 'product', share)).batches_ms);
    durations.old.push(...(await loadCalls(bed, 'product', share)).batches_ms);
  }
  const quantile = (of: 'young' | 'old', percent: number): number =>
    rounded(percentile(Float64Array.from(durations[of]).sort(), percent));
  return {
    calls: history,
    batch_p50_ms: quantile('old', 50),
    batch_p99_ms: quantile('old', 99),
    batch_p50_ms_without: quantile('young', 50),
    batch_p99_ms_without: quantile('young', 99),
    times_batch_p50: rounded(quantile('old', 50) / quantile('young', 50)),
  };
};

/** Creates another vault on the same server. */
const makeDatabase = async (database_url: string, name: string): Promise<string> => {
  const sql = connect(database_url, { max_connections: 1 });
  try {
    await sql`create database ${sql(name)}`;
  } finally {
    await sql.end({ timeout: 1 });
  }
  const url = new URL(database_url);
  url.pathname = name;
  await migrate(url.href);
  await seed(url.href);
  return url.href;
};

const makeBed = async (): Promise<Bed> => {
  const folder = temporaryPath();
  const lock = lockDataDir(folder);
  let postgres: EmbeddedPostgres | null = null;
  const stop = async (): Promise<void> => {
    removeInterrupt();
    await postgres?.stop();
    lock.release();
    rmSync(folder, { recursive: true, force: true });
  };
  const removeInterrupt = onInterrupt(stop);
  try {
    const data_dir = join(folder, 'postgres');
    makePrivateFolder(data_dir);
    postgres = await startEmbeddedPostgres({ data_dir, log: createLog('warn', 'bench') });
    await migrate(postgres.url);
    await seed(postgres.url);
    return { folder, database_url: postgres.url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** Fills a new journal and loads it in a separate process, after a warm-up. */
const loadCalls = async (
  { folder, database_url }: Bed,
  strategy: StrategyName,
  calls: number,
): Promise<DrainFigures> => {
  const journal_path = mkdtempSync(join(folder, 'journal-'));
  const program = startLoadProgram();
  try {
    const input = { database_url, journal_path, strategy };
    await fillJournal(journal_path, WARM_UP_CALLS);
    await program.request(input);
    await fillJournal(journal_path, calls);
    const figures = await program.request(input);
    progress(`${strategy}: ${calls} calls at ${speedOf(figures)} calls/s`);
    return figures;
  } finally {
    await program.stop();
  }
};

/** Calls per second; a call has two records. */
const speedOf = ({ records, duration_s }: DrainFigures): number => rounded(records / 2 / duration_s, 0);

/** Size of the calls in PostgreSQL, with indexes. */
const readStored = async (sql: Sql, { database_url }: Bed): Promise<{ readonly bytes_a_call: number }> => {
  const [size] = await sql<{ bytes: number }[]>`
    select sum(pg_total_relation_size(part.relid))::bigint as bytes
    from pg_class parent
    join pg_namespace n on n.oid = parent.relnamespace
    cross join lateral pg_partition_tree(parent.oid) part
    where n.nspname = 'gateway'
      and parent.relkind = 'p'
      and parent.relname like 'api\\_request\\_%'`;
  const { rows } = await countVaultCalls(database_url);
  return { bytes_a_call: rounded(size!.bytes / rows, 0) };
};
