import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { systemClock } from '../../src/core/clock.ts';
import { connect, type Sql } from '../../src/postgres/connect.ts';
import { createReader } from '../../src/vault/read.ts';
import type { VaultRow } from '../../src/vault/rows.ts';
import { sealKnown } from '../../src/vault/seal-known.ts';
import { writeVault } from '../../src/vault/write.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type RowGroup, rowGroups, SATELLITES } from './random-rows.ts';
import { newLoader, registry, stamp } from './vault-fixture.ts';

const RUNS = 5;
const WRITERS = 4;
const MAX_PAUSE_MS = 8;

class ChangedMind extends Error {}

const reader = createReader(registry);

/** The states of every satellite at each applied instant, as known at `known`. */
const answersAt = async (sql: Sql, known: string): Promise<unknown> =>
  Promise.all(
    SATELLITES.flatMap((table) =>
      [0, 2, 9].map(async (second) => {
        const rows = await reader.asOf(sql, table, { known, applied: stamp(0, second).applied_date });
        return rows.map((row) => JSON.stringify(row));
      }),
    ),
  );

/** Rows as if they had been made at `load_date`. */
const stamped = (groups: RowGroup, load_date: string): VaultRow[] =>
  groups.map(({ table, values }) => ({ table, values: { ...values, load_date } }));

describe('a result as known at a sealed instant', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  it('never changes, whatever is written, committed late or rolled back at the same time', async () => {
    const pool = connect(database.url, { max_connections: WRITERS });
    const pauses = fc.infiniteStream(fc.integer({ min: 0, max: MAX_PAUSE_MS }));
    let sealed_count = 0;
    try {
      await fc.assert(
        fc.asyncProperty(rowGroups, pauses, async (groups, pause) => {
          const write = async (group: RowGroup, pause_ms: number): Promise<void> => {
            await writeVault(pool, systemClock, async (tx, load_date) => {
              await sleep(pause_ms);
              await newLoader()(tx, stamped(group, load_date));
              await sleep(pause_ms);
              if (pause_ms === MAX_PAUSE_MS) throw new ChangedMind();
            }).catch((error: unknown) => {
              if (!(error instanceof ChangedMind)) throw error;
            });
          };
          const writer = async (place: number): Promise<void> => {
            for (const group of groups.filter((_, at) => at % WRITERS === place)) {
              await write(group, pause.next().value);
            }
          };
          let is_writing = true;
          const writing = Promise.all(Array.from({ length: WRITERS }, (_, place) => writer(place))).finally(() => {
            is_writing = false;
          });
          const sealed = new Map<string, unknown>();
          while (is_writing) {
            const known = await sealKnown(database.sql, systemClock);
            sealed.set(known, await answersAt(database.sql, known));
          }
          await writing;
          for (const [known, answers] of sealed) {
            assert.deepEqual(await answersAt(database.sql, known), answers, known);
          }
          sealed_count += sealed.size;
        }),
        { numRuns: RUNS },
      );
    } finally {
      await pool.end();
    }
    assert.ok(sealed_count > RUNS, `${sealed_count} sealed`);
  });
});
