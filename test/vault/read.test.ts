import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Sql } from '../../src/postgres/connect.ts';
import { createChanged } from '../../src/vault/changed.ts';
import { GHOST_KEY } from '../../src/vault/entity.ts';
import { createReader } from '../../src/vault/read.ts';
import type { Content, VaultRow } from '../../src/vault/rows.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { callRows, invoiceLine as line, newLoader, registry, rows, stamp, tenant, tenantKey } from './vault-fixture.ts';

const PROPERTY_RUNS = 40;

describe('the reader of satellites', () => {
  let database: TestDatabase;
  let sql: Sql;
  const load = newLoader();
  const reader = createReader(registry);
  const changed = createChanged(registry);
  before(async () => {
    database = await createTestDatabase();
    sql = database.sql;
  });
  after(() => database.drop());

  const row = (key: string, name: string, at: number, applied: number): VaultRow =>
    rows.satellite('tenant_s', tenantKey(key), tenant(name), stamp(at, applied));
  const namesOf = async (key: string): Promise<string[]> =>
    (await reader.history(sql, 'tenant_s', tenantKey(key))).map((row) => row.tenant_name);

  it('returns values in the form in which they were written', async () => {
    const [, , outcome, route] = callRows(11);
    await load(sql, [outcome!, route!]);
    const hash_keys = [outcome!.values.api_request_hk as string];
    assert.deepEqual({ ...(await reader.current(sql, 'api_request_s', { hash_keys }))[0] }, outcome!.values);
    assert.deepEqual({ ...(await reader.current(sql, 'api_request_route_s', { hash_keys }))[0] }, route!.values);
  });

  it('merges successive equal states, and includes late ones in their order', async () => {
    await load(sql, [row('runs', 'A', 1, 1), row('runs', 'A', 3, 3), row('runs', 'A', 5, 5)]);
    assert.deepEqual(await namesOf('runs'), ['A']);
    await load(sql, [row('runs', 'B', 6, 2)]);
    const history = await reader.history(sql, 'tenant_s', tenantKey('runs'));
    assert.deepEqual(
      history.map((row) => [row.tenant_name, row.applied_date.slice(17, 19), row.load_end_date?.slice(17, 19) ?? null]),
      [
        ['A', '01', '02'],
        ['B', '02', '03'],
        ['A', '03', null],
      ],
    );
  });

  it('returns a corrected state with an empty period', async () => {
    await load(sql, [row('corrected', 'wrong', 1, 1), row('corrected', 'right', 2, 1)]);
    const history = await reader.history(sql, 'tenant_s', tenantKey('corrected'));
    assert.deepEqual(
      history.map((row) => [row.tenant_name, row.load_end_date === row.applied_date]),
      [
        ['wrong', true],
        ['right', false],
      ],
    );
  });

  it('returns the same applied and known states as a simple model', async () => {
    const second = fc.integer({ min: 0, max: 6 });
    const facts = fc.uniqueArray(
      fc.record({
        key: fc.constantFrom('m', 'n'),
        name: fc.constantFrom('A', 'B', 'C'),
        load: second,
        applied: second,
      }),
      { maxLength: 15, minLength: 1, selector: (fact) => JSON.stringify(fact) },
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(facts, second, second, fc.boolean(), async (given, known, applied, has_keys) => {
        run += 1;
        const keyed = given.map((fact) => ({ ...fact, key: `model-${run}-${fact.key}` }));
        await load(
          sql,
          keyed.map((fact) => row(fact.key, fact.name, fact.load, fact.applied)),
        );
        const keys = [...new Set(keyed.map(({ key }) => key))];
        const filter = { hash_keys: keys.map(tenantKey) };
        const mine = <T extends { tenant_hk: string; tenant_name: string }>(found: T[]): string[] =>
          found
            .filter((row) => filter.hash_keys.includes(row.tenant_hk))
            .map((row) => `${keys[filter.hash_keys.indexOf(row.tenant_hk)]} ${row.tenant_name}`)
            .toSorted();

        const at = { applied: stamp(0, applied).applied_date, known: stamp(known).load_date };
        const as_of = await reader.asOf(sql, 'tenant_s', has_keys ? { ...at, ...filter } : at);
        assert.deepEqual(mine(as_of), heldOf(keyed.filter((f) => f.load <= known && f.applied <= applied)));
        const current = await reader.current(sql, 'tenant_s', has_keys ? filter : {});
        assert.deepEqual(mine(current), heldOf(keyed));
        const view = await sql<{ tenant_hk: string; tenant_name: string }[]>`
          select tenant_hk, tenant_name from auth.tenant_s_current`;
        assert.deepEqual(mine([...view]), heldOf(keyed));
        for (const key of keys) assert.deepEqual(await namesOf(key), runsOf(keyed.filter((fact) => fact.key === key)));
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it('omits the ghost record unless its key is requested', async () => {
    const all = await reader.current(sql, 'tenant_s');
    assert.ok(all.length > 0);
    assert.ok(!all.some((row) => row.tenant_hk === GHOST_KEY));
    assert.equal((await reader.current(sql, 'tenant_s', { hash_keys: [GHOST_KEY] })).length, 1);
    assert.deepEqual(await reader.current(sql, 'tenant_s', { hash_keys: [] }), []);
  });

  it('uses the primary key for the requested keys', async () => {
    const plan = await sql.begin(async (tx) => {
      await tx`set local enable_seqscan = off`;
      return tx.unsafe<{ 'QUERY PLAN': string }[]>(
        `explain select held.* from unnest(array[decode('${GHOST_KEY}', 'hex')]) key cross join lateral (
           select * from auth.tenant_s s where s.tenant_hk = key
           order by s.applied_date desc, s.load_date desc, s.hash_diff desc limit 1) held`,
      );
    });
    assert.match(plan.map((line) => line['QUERY PLAN']).join('\n'), /Index Scan Backward using tenant_s_pkey/);
  });

  describe('for sets (multi-active satellites)', () => {
    const key = 'aa'.repeat(32);
    const set = (at: number, ...descriptions: string[]): VaultRow[] =>
      rows.satelliteSet(
        'invoice_line_s',
        key,
        descriptions.map((text, place) => line(place + 1, text)),
        stamp(at),
      );

    it('returns every row of the current set, and none of an earlier one', async () => {
      await load(sql, [...set(1, 'a', 'b', 'c'), ...set(2, 'a', 'x')]);
      const now = await reader.current(sql, 'invoice_line_s', { hash_keys: [key] });
      assert.deepEqual(
        now.map((row) => row.description),
        ['a', 'x'],
      );
      const before = await reader.asOf(sql, 'invoice_line_s', {
        applied: stamp(1).applied_date,
        known: stamp(9).load_date,
        hash_keys: [key],
      });
      assert.deepEqual(
        before.map((row) => row.description),
        ['a', 'b', 'c'],
      );
      const view =
        await sql`select description from billing.invoice_line_s_current where invoice_hk = ${key} order by line_number`;
      assert.deepEqual(
        view.map((row) => row.description),
        ['a', 'x'],
      );
      const history = await reader.history(sql, 'invoice_line_s', key);
      assert.deepEqual(
        history.map((row) => row.description),
        ['a', 'b', 'c', 'a', 'x'],
      );
    });

    it('computes one hash diff, whatever the order of the rows', () => {
      const diffs = (lines: Content<'invoice_line_s'>[]) =>
        new Set(rows.satelliteSet('invoice_line_s', key, lines, stamp(1)).map((row) => row.values.hash_diff));
      const [one, two, three] = [line(1, 'a'), line(2, 'b'), line(10, 'c')];
      assert.deepEqual(diffs([one, two, three]), diffs([three, one, two]));
      assert.equal(diffs([one, two, three]).size, 1);
      assert.notDeepEqual(diffs([one, two]), diffs([one, two, three]));
    });

    it('drops a set that equals the current one, and keeps a different one as a whole', async () => {
      await load(sql, set(11, 'p', 'q'));
      assert.deepEqual(await changed(sql, set(12, 'p', 'q')), []);
      assert.equal((await changed(sql, set(12, 'p', 'q', 'r'))).length, 3);
    });
  });

  describe('in its function changed()', () => {
    it('keeps only rows that differ from the state at their applied_date', async () => {
      await load(sql, [row('ch', 'A', 1, 10), row('ch', 'B', 1, 20)]);
      const passes = async (...given: VaultRow[]) => (await changed(sql, given)).map((row) => row.values.tenant_name);
      assert.deepEqual(await passes(row('ch', 'A', 2, 15)), []);
      assert.deepEqual(await passes(row('ch', 'A', 2, 25)), ['A']);
      assert.deepEqual(await passes(row('ch', 'B', 2, 15)), ['B']);
      assert.deepEqual(await passes(row('ch', 'A', 2, 5)), ['A']);
      assert.deepEqual(await passes(row('ch', 'C', 2, 30), row('ch', 'C', 3, 31), row('ch', 'B', 4, 32)), ['C', 'B']);
      assert.deepEqual(await passes(row('new', 'N', 1, 1)), ['N']);
    });

    it('passes hubs, facts and faulty rows on to the loader', async () => {
      const faulty = { table: 'tenant_s', values: { tenant_name: 1 } };
      const given = [...callRows(12), faulty, { table: 'no_such_s', values: {} }];
      await load(sql, callRows(12));
      assert.deepEqual(await changed(sql, given), given);
    });

    it('never changes the current state, for a writer whose rows are ordered by time', async () => {
      const facts = fc.array(fc.tuple(fc.constantFrom('A', 'B'), fc.integer({ min: 0, max: 9 })), {
        maxLength: 12,
      });
      let run = 0;
      await fc.assert(
        fc.asyncProperty(facts, async (given) => {
          run += 1;
          const in_time = given.toSorted(([, a], [, b]) => a - b);
          for (const [at, [name, applied]] of in_time.entries()) {
            await load(sql, [row(`all-${run}`, name, at, applied)]);
            await load(sql, await changed(sql, [row(`few-${run}`, name, at, applied)]));
          }
          const current = async (key: string) =>
            (await reader.current(sql, 'tenant_s', { hash_keys: [tenantKey(key)] })).map((row) => row.tenant_name);
          assert.deepEqual(await current(`few-${run}`), await current(`all-${run}`));
          assert.deepEqual(
            await changed(sql, given.length === 0 ? [] : [row(`few-${run}`, in_time.at(-1)![0], 30, 30)]),
            [],
          );
        }),
        { numRuns: 25 },
      );
    });
  });
});

interface Fact {
  readonly key: string;
  readonly name: string;
  readonly load: number;
  readonly applied: number;
}

const inOrder = (facts: readonly Fact[]): Fact[] => {
  const diff = (fact: Fact): string => rows.diff('tenant_s', tenant(fact.name));
  return facts.toSorted((a, b) => a.applied - b.applied || a.load - b.load || (diff(a) < diff(b) ? -1 : 1));
};

/** The model of the current state: the last fact of each key. */
const heldOf = (facts: readonly Fact[]): string[] => {
  const held = new Map(inOrder(facts).map((fact) => [fact.key, fact]));
  return [...held.values()].map((fact) => `${fact.key} ${fact.name}`).toSorted();
};

/** The model of a history: the facts in order, without repetitions. */
const runsOf = (facts: readonly Fact[]): string[] =>
  inOrder(facts)
    .map((fact) => fact.name)
    .filter((name, at, names) => name !== names[at - 1]);
