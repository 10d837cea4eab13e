import assert from 'node:assert/strict';
import { connect, isConnectionError, type Sql } from '../../src/postgres/connect.ts';
import { type Cut, errorMessage, messageEnds, startCutProxy } from '../support/cut-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const STATEMENTS = [1, 2, 3];
// Of a long list of rows only some places differ.
const ROWS_A_CUT = 16;

/** Three rows; the driver can read the array only with the types that it fetched when the connection began. */
const query = async (sql: Sql, n: number): Promise<unknown[]> => [
  ...(await sql`select ${n}::int as n, array[1, 2] as pair from generate_series(1, 3)`),
];
const rowsOf = (n: number): unknown[] => Array.from({ length: 3 }, () => ({ n, pair: [1, 2] }));

// Tests patches/postgres+*.patch: without it a statement after a loss gets rows of an earlier one, or misread values.
describe('the PostgreSQL driver with a server that interferes', function () {
  // Bounds a hang only: every place of the stream makes two connections.
  this.timeout(600_000);
  let database: TestDatabase;
  let stream: Buffer;

  before(async () => {
    database = await createTestDatabase();
    const proxy = await startCutProxy(database.url, null, (seen) => {
      stream = seen;
    });
    const sql = connect(proxy.url, { max_connections: 1 });
    await Promise.all(STATEMENTS.map((n) => query(sql, n)));
    await sql.end();
    await proxy.close();
  });
  after(() => database.drop());

  /** Numbers of messages after which to interfere: before and after each one, but only some of a list of rows. */
  const places = (is_wanted: (count: number) => boolean = () => true): number[] => {
    const ends = [0, ...messageEnds(stream)];
    const isRow = (end: number | undefined): boolean => stream[end ?? stream.length] === 'D'.charCodeAt(0);
    return ends.flatMap((end, count) =>
      is_wanted(count) && !(isRow(ends[count - 1]) && isRow(end) && count % ROWS_A_CUT !== 0) ? [count] : [],
    );
  };

  const interfere = async (cut: Cut, isExpected: (error: unknown) => boolean): Promise<void> => {
    const where = `after message ${cut.messages}`;
    const proxy = await startCutProxy(database.url, cut);
    const sql = connect(proxy.url, { max_connections: 1 });
    const outcomes = await Promise.allSettled(STATEMENTS.map((n) => query(sql, n)));
    outcomes.forEach((outcome, index) => {
      if (outcome.status === 'fulfilled') assert.deepEqual(outcome.value, rowsOf(STATEMENTS[index]!), where);
      else assert.ok(isExpected(outcome.reason), `${where}: ${String(outcome.reason)}`);
    });
    // The first statement may still go to a connection whose loss the driver has not noticed.
    const rows = await query(sql, 4).catch((error: unknown) => {
      assert.ok(isConnectionError(error), `${where}: ${String(error)}`);
      return query(sql, 4);
    });
    assert.deepEqual(rows, rowsOf(4), where);
    await sql.end();
    await proxy.close();
  };

  const ENDINGS = {
    'without a word': Buffer.alloc(0),
    'with a FATAL error': errorMessage('FATAL', '57P01'),
    'in the middle of a message': errorMessage('FATAL', '57P01').subarray(0, 9),
  };
  for (const [how, tail] of Object.entries(ENDINGS)) {
    it(`gives each statement its own rows or a connection error when the connection ends ${how}`, async () => {
      for (const messages of places()) await interfere({ messages, tail, ends: true }, isConnectionError);
    });
  }

  it('gives each statement its own rows or the error when a statement is cancelled in the middle of its rows', async () => {
    const cancelled = errorMessage('ERROR', '57014');
    const ends = messageEnds(stream);
    const is_row = (count: number): boolean => stream[ends[count - 1] ?? 0] === 'D'.charCodeAt(0);
    const isCancelled = (error: unknown): boolean =>
      (error as { code?: unknown }).code === '57014' || isConnectionError(error);
    const rows = places(is_row);
    assert.ok(rows.length > 5, `${rows.length} places`);
    for (const messages of rows) await interfere({ messages, tail: cancelled, ends: false }, isCancelled);
  });

  it('gives a statement its own rows after one that failed in the middle of its rows', async () => {
    const sql = connect(database.url, { max_connections: 1 });
    for (const n of STATEMENTS) {
      await assert.rejects(async () => sql`select 1 / (${n} - n) as q from generate_series(1, 5) n`, { code: '22012' });
      assert.deepEqual(await query(sql, n), rowsOf(n));
    }
    await sql.end();
  });
});
