import assert from 'node:assert/strict';
import type { Sql } from '../../src/postgres/connect.ts';
import { ENCODERS, hashHub } from '../../src/vault/hash.ts';
import { createReader } from '../../src/vault/read.ts';
import { createTestDatabase } from '../support/database.ts';
import { registry } from './vault-fixture.ts';

const CALLS = 20_000;

describe('the lookup of a call by its hash key', () => {
  let sql: Sql;
  let drop: () => Promise<void>;
  before(async () => {
    ({ sql, drop } = await createTestDatabase());
    await sql`select util.ensure_partitions('2026-11-20'::date, '2026-11-20'::date)`;
    await sql`
      insert into gateway.api_request_route_s
        (api_request_hk, load_date, applied_date, hash_diff, candidates, attempts, decision, record_source)
      select
        util.hash_hub('api_request_h', util.encode_text(i::text)),
        '2026-11-20T00:00:00Z'::timestamptz + i * interval '1 ms',
        '2026-11-20T00:00:00Z',
        sha256(i::text::bytea),
        '[]',
        '[]',
        'a call among many',
        'test'
      from generate_series(1, ${CALLS}) i`;
  });
  after(() => drop());

  const countFound = async (): Promise<number> => {
    const [row] = await sql<{ found: number }[]>`
      select count(*) as found
      from generate_series(1, ${CALLS}, 97) i
      cross join lateral (
        select util.load_dates_of(
          'gateway.api_request_route_s', 'api_request_hk', util.hash_hub('api_request_h', util.encode_text(i::text)))
      ) s`;
    return row!.found;
  };
  const wanted = Math.ceil(CALLS / 97);

  it('finds every call, with and without a filter for its pages', async () => {
    assert.equal(await countFound(), wanted);
    await sql`select brin_summarize_new_values('gateway.api_request_route_s_p20261120_api_request_hk_idx')`;
    assert.equal(await countFound(), wanted);
  });

  it('reads only pages that match a filter', async () => {
    await sql`analyze gateway.api_request_route_s`;
    const [plan] = await sql.begin(async (tx) => {
      // The function's own settings.
      for (const scan of ['seqscan', 'indexscan', 'indexonlyscan']) await tx.unsafe(`set local enable_${scan} = off`);
      return tx<{ 'QUERY PLAN': readonly [{ readonly Plan: Plan }] }[]>`
        explain (analyze, format json)
        select s.load_date
        from gateway.api_request_route_s_p20261120 s
        where s.api_request_hk = util.hash_hub('api_request_h', util.encode_text('777'))`;
    });
    const scan = plan!['QUERY PLAN'][0].Plan;
    assert.equal(scan['Node Type'], 'Bitmap Heap Scan');
    assert.equal(scan['Actual Rows'], 1);
    assert(scan['Rows Removed by Index Recheck'] < CALLS / 2, JSON.stringify(scan));
  });

  it('is used by readers of a satellite', async () => {
    const reader = createReader(registry);
    const hash_keys = ['777', '778'].map((id) => hashHub('api_request_h', ENCODERS.text(id, 'id')));
    const current = await reader.current(sql, 'api_request_route_s', { hash_keys });
    assert.deepEqual(current.map(({ load_date }) => load_date).toSorted(), [
      '2026-11-20T00:00:00.777Z',
      '2026-11-20T00:00:00.778Z',
    ]);
    const [route] = await reader.history(sql, 'api_request_route_s', hash_keys[0]!);
    assert.equal(route!.load_date, '2026-11-20T00:00:00.777Z');
    assert.equal(route!.load_end_date, null);
  });

  it('has its filter in every partition, future ones included', async () => {
    await sql`select util.ensure_partitions('2027-03-01'::date, '2027-03-01'::date)`;
    const partitions = await sql<{ partition: string; filters: number }[]>`
      select c.relname as partition, count(a.amname) filter (where a.amname = 'brin') as filters
      from pg_inherits i
      join pg_class c on c.oid = i.inhrelid
      join pg_index x on x.indrelid = c.oid
      join pg_class n on n.oid = x.indexrelid
      join pg_am a on a.oid = n.relam
      where i.inhparent in (
        'gateway.api_request_s'::regclass, 'gateway.api_request_route_s'::regclass,
        'gateway.api_request_idempotency_s'::regclass)
      group by c.relname`;
    assert(partitions.some(({ partition }) => partition === 'api_request_s_p20270301'));
    assert.deepEqual(
      partitions.filter(({ filters }) => filters === 0),
      [],
    );
  });
});

interface Plan {
  readonly 'Node Type': string;
  readonly 'Actual Rows': number;
  readonly 'Rows Removed by Index Recheck': number;
}
