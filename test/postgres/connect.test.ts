import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { connect, isConnectionError, type Sql } from '../../src/postgres/connect.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';

describe('a connection to PostgreSQL', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createEmptyDatabase();
  });
  after(() => database.drop());

  const one = async (expression: string): Promise<unknown> => {
    const [row] = await database.sql.unsafe(`select ${expression} as value`);
    return row?.value;
  };

  it('reads bigint as number, and refuses larger values without harm to the connection', async () => {
    assert.equal(await one('9007199254740991::bigint'), Number.MAX_SAFE_INTEGER);
    assert.equal(await one('(-9007199254740991)::bigint'), Number.MIN_SAFE_INTEGER);
    await assert.rejects(one('9007199254740992::bigint'), RangeError);
    await assert.rejects(
      database.sql`select (9007199254740990 + n)::bigint as value from generate_series(0, 50) n`,
      RangeError,
    );
    assert.equal(await one('count(*)'), 1);
  });

  it('reads numeric as text, exactly', async () => {
    assert.equal(await one('12345678901234567890.123456789012::numeric'), '12345678901234567890.123456789012');
  });

  it('reads an instant as ISO 8601 in UTC with three to six decimals', async () => {
    assert.equal(await one(`'2026-11-21 11:00:00+01'::timestamptz`), '2026-11-21T10:00:00.000Z');
    assert.equal(await one(`'2026-11-21 10:00:00.5Z'::timestamptz`), '2026-11-21T10:00:00.500Z');
    assert.equal(await one(`'2026-11-21 10:00:00.123456Z'::timestamptz`), '2026-11-21T10:00:00.123456Z');
    assert.equal(await one(`'infinity'::timestamptz`), 'infinity');
  });

  it('returns every instant as it was written, to the microsecond', async () => {
    const instant = fc
      .tuple(
        fc.date({
          min: new Date('0001-01-01T00:00:00Z'),
          max: new Date('9999-12-31T23:59:59Z'),
          noInvalidDate: true,
        }),
        fc.integer({ min: 0, max: 999 }),
      )
      .map(([date, micros]) => {
        const digits = micros === 0 ? '' : String(micros).padStart(3, '0').replace(/0+$/, '');
        return `${date.toISOString().slice(0, -1)}${digits}Z`;
      });
    await fc.assert(
      fc.asyncProperty(fc.array(instant, { minLength: 1, maxLength: 20 }), async (instants) => {
        const [row] =
          await database.sql`select ${instants}::timestamptz[] as several, ${instants[0]!}::timestamptz as one`;
        assert.deepEqual(row?.several, instants);
        assert.equal(row?.one, instants[0]);
      }),
      { numRuns: 50 },
    );
  });

  it('refuses an instant of a session whose time zone is not UTC', async () => {
    await assert.rejects(
      database.sql.begin(async (sql) => {
        await sql`set local timezone to 'Asia/Kathmandu'`;
        await sql`select now()`;
      }),
      RangeError,
    );
  });

  it('reads date and timestamp as text', async () => {
    assert.equal(await one(`'2026-11-21'::date`), '2026-11-21');
    assert.equal(await one(`'2026-11-21 10:00:00.5'::timestamp`), '2026-11-21 10:00:00.5');
  });

  it('accepts bytes and hex for bytea, alone and in arrays, and returns hex', async () => {
    const hex = createHash('sha256').update('x').digest('hex');
    const [row] = await database.sql`
      select ${hex}::bytea as from_hex,
             ${Buffer.from(hex, 'hex')}::bytea as from_bytes,
             ${[hex, '']}::bytea[] as several,
             sha256('x') as made`;
    assert.deepEqual({ ...row }, { from_hex: hex, from_bytes: hex, several: [hex, ''], made: hex });
    await assert.rejects(async () => database.sql`select ${'xyz'}::bytea`, TypeError);
  });

  it('keeps names and JSON unchanged', async () => {
    const value = { snake_case: [1, 'ä', null, { camelCase: true }] };
    const [row] = await database.sql`select ${database.sql.json(value)}::jsonb as snake_case`;
    assert.deepEqual(row?.snake_case, value);
  });

  it('cancels a statement that exceeds its timeout', async () => {
    const sql = connect(database.url, { max_connections: 1, statement_timeout_ms: 50 });
    await assert.rejects(async () => sql`select pg_sleep(5)`, { code: '57014' });
    await sql.end();
  });

  it('distinguishes errors of the connection from all others', async () => {
    const nowhere = connect('postgres://a:b@127.0.0.1:1/c', { max_connections: 1 });
    const refused = await nowhere`select 1`.catch((error: unknown) => error);
    await nowhere.end();
    assert.equal(isConnectionError(refused), true);

    const victim = connect(database.url, { max_connections: 1, application_name: 'victim' });
    const [session] = await victim<{ pid: number }[]>`select pg_backend_pid() as pid`;
    const sleeping = victim`select pg_sleep(10)`.catch((error: unknown) => error);
    await untilActive(database.sql, session!.pid);
    await database.sql`select pg_terminate_backend(${session!.pid})`;
    assert.equal(isConnectionError(await sleeping), true);
    // The driver reports the end of the lost connection again, to the first statement on the new one.
    const again = await victim`select 1`.catch((error: unknown) => error);
    assert.ok(Array.isArray(again) || isConnectionError(again));
    assert.equal((await victim`select 1 as n`)[0]?.n, 1, 'the pool connects again');
    await victim.end({ timeout: 1 });

    const ended = await victim`select 1`.catch((error: unknown) => error);
    assert.equal(isConnectionError(ended), false);
    const wrong = await database.sql`select 1 / 0`.catch((error: unknown) => error);
    assert.equal(isConnectionError(wrong), false);
    assert.equal(isConnectionError(null), false);
  });
});

/** Resolves when the session runs a statement. */
const untilActive = async (sql: Sql, pid: number): Promise<void> => {
  for (;;) {
    const [session] = await sql<{ state: string }[]>`select state from pg_stat_activity where pid = ${pid}`;
    if (session?.state === 'active') return;
    await sleep(5);
  }
};
