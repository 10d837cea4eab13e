import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { connect, type Sql } from '../../src/postgres/connect.ts';
import { createReader } from '../../src/vault/read.ts';
import type { VaultRow } from '../../src/vault/rows.ts';
import type { Transaction } from '../../src/vault/transaction.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type RowGroup, rowGroups, SATELLITES } from './random-rows.ts';
import { createModel, type Values } from './reference-model.ts';
import { newLoader, registry, stamp } from './vault-fixture.ts';

const RUNS = 3;
const KILLED_RUNS = 2;
const READING_RUNS = 12;
const LOADERS = 8;
// Each run needs its own databases, so the search for a smaller failing example may take long.
const LIMITS = { interruptAfterTimeLimit: 30_000 };
const TIMEOUT_MS = 60_000;

// Columns that a hub or a link keeps from its first load.
const FIRST_LOAD = ['load_date', 'record_source'];

/** Every column of every row of every table, except FIRST_LOAD. */
const DIGEST = [
  ...[...registry.entities.values()].map(({ kind, name, partition, columns }) => {
    const is_first_come = kind !== 'satellite' && partition === null;
    const names = columns.map((column) => column.name);
    const compared = names.filter((column) => !is_first_come || !FIRST_LOAD.includes(column));
    return `select '${name} ' || row (${compared.join(', ')})::text as row from ${name}`;
  }),
  `select 'ops.load_error ' || row (e.*)::text from ops.load_error e`,
].join('\nunion all ');

const digestOf = async (sql: Sql): Promise<string[]> => {
  const found = await sql.unsafe<{ row: string }[]>(`select row from (${DIGEST}) digest order by row collate "C"`);
  return found.map(({ row }) => row);
};

const rowsOf = (groups: readonly RowGroup[]): VaultRow[] => groups.flat();

const shuffled = <T>(items: readonly T[], random: Iterator<number>): T[] =>
  items
    .map((item) => ({ item, order: random.next().value as number }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);

const inDatabase = async <T>(work: (database: TestDatabase) => Promise<T>): Promise<T> => {
  const database = await createTestDatabase();
  try {
    return await work(database);
  } finally {
    await database.drop();
  }
};

/** Content of the tables after `fill` has loaded into a new vault. */
const contentAfter = (fill: (database: TestDatabase) => Promise<unknown>): Promise<string[]> =>
  inDatabase(async (database) => {
    await fill(database);
    return digestOf(database.sql);
  });

describe('a vault with any set of rows', function () {
  this.timeout(TIMEOUT_MS);
  const order = fc.infiniteStream(fc.nat());

  it('is the same after repeated, shuffled, randomly split and concurrent loads', async () => {
    await fc.assert(
      fc.asyncProperty(rowGroups, order, async (groups, random) => {
        const given = rowsOf(groups);
        const once = await contentAfter(({ sql }) => newLoader()(sql, given));
        const twice = await contentAfter(async ({ sql }) => {
          const load = newLoader();
          await load(sql, given);
          await load(sql, shuffled(given, random));
        });
        const split = await contentAfter(async ({ sql }) => {
          const load = newLoader();
          const rest = shuffled(given, random);
          while (rest.length > 0) await load(sql, rest.splice(0, 1 + (random.next().value % 15)));
        });
        const at_once = await contentAfter(async ({ url }) => {
          const pool = connect(url, { max_connections: LOADERS });
          const shares = Array.from({ length: LOADERS }, () =>
            shuffled(given, random).slice(random.next().value % given.length),
          );
          await Promise.all([given, ...shares].map((share) => newLoader()(pool, share))).finally(() => pool.end());
        });
        assert.deepEqual(twice, once);
        assert.deepEqual(split, once);
        assert.deepEqual(at_once, once);
      }),
      { numRuns: RUNS, ...LIMITS },
    );
  });

  it('is the same after loads that were killed at any statement or moment and repeated', async () => {
    let kills = 0;
    await fc.assert(
      fc.asyncProperty(
        rowGroups,
        fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 3, maxLength: 3 }),
        async (groups, moments) => {
          const given = rowsOf(groups);
          const once = await contentAfter(({ sql }) => newLoader()(sql, given));
          await inDatabase(async (database) => {
            const empty = await digestOf(database.sql);
            for (let statement = 1; await isKilledAt(database, statement, given); statement++) {
              kills += 1;
              assert.deepEqual(await digestOf(database.sql), empty, `killed at statement ${statement}`);
            }
            assert.deepEqual(await digestOf(database.sql), once);
          });
          await inDatabase(async (database) => {
            for (const moment_ms of moments) await killAfter(database, moment_ms, given);
            await newLoader()(database.sql, given);
            assert.deepEqual(await digestOf(database.sql), once);
          });
        },
      ),
      { numRuns: KILLED_RUNS, ...LIMITS },
    );
    assert.ok(kills > KILLED_RUNS * 2, `${kills} kills`);
  });

  it('returns the same as the reference model, whatever the order of arrival', async () => {
    const reader = createReader(registry);
    const second = fc.integer({ min: 0, max: 6 });
    const instants = fc.array(fc.tuple(second, second), { minLength: 8, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(rowGroups, instants, order, async (groups, chosen, random) => {
        const given = rowsOf(groups);
        const model = createModel(registry, given);
        await inDatabase(async ({ sql }) => {
          const load = newLoader();
          const rest = shuffled(given, random);
          while (rest.length > 0) await load(sql, rest.splice(0, 1 + (random.next().value % 20)));
          for (const table of SATELLITES) {
            const { hash_key, name } = registry.satellite(table);
            const hash_keys = [...new Set(model.table(table).map((row) => String(row[hash_key])))];
            const mine = (found: readonly object[]) =>
              inOrder(
                found.map((row) => ({ ...row }) as Values).filter((row) => hash_keys.includes(String(row[hash_key]))),
              );
            for (const [load_second, applied_second] of chosen) {
              const { load_date: known, applied_date: applied } = stamp(load_second, applied_second);
              const expected = inOrder(model.asOf(table, applied, known));
              assert.deepEqual(mine(await reader.asOf(sql, table, { applied, known })), expected, table);
              const of_keys = await reader.asOf(sql, table, { applied, known, hash_keys });
              assert.deepEqual(mine(of_keys), expected, table);
              const [one] = hash_keys;
              if (one === undefined) continue;
              const of_one = await reader.asOf(sql, table, { applied, known, hash_keys: [one] });
              assert.deepEqual(
                mine(of_one),
                expected.filter((row) => row[hash_key] === one),
                table,
              );
            }
            const current = inOrder(model.current(table));
            assert.deepEqual(mine(await reader.current(sql, table)), current, table);
            const columns = registry
              .satellite(table)
              .columns.map((column) => column.name)
              .join(', ');
            assert.deepEqual(mine(await sql.unsafe(`select ${columns} from ${name}_current`)), current, table);
            for (const key of hash_keys) {
              const history = mine(await reader.history(sql, table, key));
              assert.deepEqual(history, inOrder(model.history(table, key)), table);
            }
          }
        });
      }),
      { numRuns: READING_RUNS, ...LIMITS },
    );
  });
});

const inOrder = (found: readonly Values[]): Values[] => {
  const text = (row: Values) => JSON.stringify(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return found.toSorted((a, b) => (text(a) < text(b) ? -1 : 1));
};

/**
 * Loads on a connection that PostgreSQL's superuser ends before its statement `number` (the last one is the commit).
 * the commit), and resolves to whether there was such a statement.
 */
const isKilledAt = async ({ url, sql }: TestDatabase, number: number, given: readonly VaultRow[]): Promise<boolean> => {
  const pool = connect(url, { max_connections: 1 });
  let sent = 0;
  let killing: Promise<void> | undefined;
  try {
    await pool.begin(async (tx) => {
      const [{ pid }] = await tx<[{ pid: number }]>`select pg_backend_pid() as pid`;
      const killedBefore = async <T>(statement: () => Promise<T>): Promise<T> => {
        sent += 1;
        if (sent === number) killing = kill(sql, pid);
        await killing;
        return statement();
      };
      const watched = new Proxy(tx, {
        apply: (target, self, args) => killedBefore(() => Reflect.apply(target, self, args) as Promise<unknown>),
        get: (target, name) =>
          name === 'unsafe'
            ? (...args: Parameters<Transaction['unsafe']>) => killedBefore(async () => target.unsafe(...args))
            : Reflect.get(target, name),
      });
      await newLoader()(watched, given);
      await killedBefore(async () => undefined);
    });
    return false;
  } catch (error) {
    if (sent < number) throw error;
    return true;
  } finally {
    await killing;
    await pool.end({ timeout: 1 });
  }
};

const killAfter = async ({ url, sql }: TestDatabase, moment_ms: number, given: readonly VaultRow[]): Promise<void> => {
  const pool = connect(url, { max_connections: 1 });
  const [row] = await pool<[{ pid: number }]>`select pg_backend_pid() as pid`;
  const loading = newLoader()(pool, given).then(
    () => undefined,
    () => undefined,
  );
  await sleep(moment_ms);
  await kill(sql, row.pid);
  await loading;
  await pool.end({ timeout: 1 });
};

const KILL_POLL_MS = 2;

const kill = async (sql: Sql, pid: number): Promise<void> => {
  await sql`select pg_terminate_backend(${pid})`;
  while ((await sql`select from pg_stat_activity where pid = ${pid}`).length > 0) await sleep(KILL_POLL_MS);
};
