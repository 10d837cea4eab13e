import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseProject } from '../../src/dbt/project/parse-project.ts';
import { type BuildInput, type BuildResult, buildProject } from '../../src/dbt/run/build-project.ts';
import { connect, type Sql } from '../../src/postgres/connect.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { writeProject } from './project-folder.ts';
import { createShop, SHOP } from './shop.ts';

const AT = '2026-01-31T00:00:00Z';
const TARGET = { schema: 'dev' };

type Options = Partial<BuildInput>;

describe('the build of a dbt project', () => {
  let database: TestDatabase;
  let sql: Sql;

  beforeEach(async () => {
    database = await createEmptyDatabase();
    sql = database.sql;
    await createShop(sql);
  });
  afterEach(() => database.drop());

  const buildShop = (options: Options = {}): Promise<BuildResult> =>
    buildProject({ sql, project: parseProject({ project_dir: SHOP }), target: TARGET, at: AT, ...options });

  const buildFiles = (files: Readonly<Record<string, string>>, options: Options = {}): Promise<BuildResult> => {
    const { dir, remove } = writeProject(files);
    try {
      return buildProject({
        sql,
        project: parseProject({ project_dir: dir }),
        target: TARGET,
        at: AT,
        ...options,
      });
    } finally {
      remove();
    }
  };

  const statusOf = ({ results }: BuildResult): Record<string, string> =>
    Object.fromEntries(results.map(({ unique_id, status }) => [unique_id.split('.').slice(2, 3).join(), status]));

  const kindOf = async (name: string): Promise<string | undefined> => {
    const [row] = await sql<{ relkind: string }[]>`select relkind::text from pg_class where oid = to_regclass(${name})`;
    return row?.relkind;
  };

  it("creates views, tables and incremental tables in their schemas, and passes the project's tests", async () => {
    const built = await buildShop();
    assert(built.success, JSON.stringify(built.results));
    assert.equal(built.results.length, 17);
    assert.equal(await kindOf('dev_staging.stg_order'), 'v');
    assert.equal(await kindOf('dev.spend'), 'r');
    assert.equal(await kindOf('dev.spend_kinds'), 'r');
    assert.deepEqual(
      [...(await sql`select * from dev.spend order by customer_id limit 1`)],
      [{ customer_id: 1, name: 'c1', cents: '314.81', orders: 10 }],
    );
    const left = await sql`select from pg_class where relname like '%build%' and relkind in ('r', 'v')`;
    assert.equal(left.length, 0);
  });

  it('adds new rows to an incremental table, and replaces rows of the same key', async () => {
    await buildShop();
    await sql`insert into raw.orders values (51, 1, 'pen', 7, '2026-01-03T04:00:00Z')`;
    await sql`update raw.orders set amount = 1 where id = 50`;
    const { results } = await buildShop({ select: 'order_event order_log' });
    const rowsOf = (name: string) => results.find(({ unique_id }) => unique_id === `model.shop.${name}`)?.rows_affected;
    assert.equal(rowsOf('order_log'), 1);
    const [row] =
      await sql`select count(*) as orders, count(distinct order_id) as ids, min(amount) as least from dev.order_event`;
    assert.deepEqual({ ...row }, { orders: 49, ids: 49, least: '1' });
    assert.match(
      results.find(({ unique_id }) => unique_id.endsWith('order_log'))!.compiled_sql!,
      /select max\(order_id\)/,
    );
  });

  it('rebuilds an incremental table on a full refresh', async () => {
    await buildShop();
    await sql`insert into dev.order_log values (999, now())`;
    await buildShop({ select: 'order_log', full_refresh: true });
    assert.equal((await sql`select from dev.order_log where order_id = 999`).length, 0);
  });

  it('keeps the old relation when a model fails, and skips the models that read it', async () => {
    const files = {
      'models/a.sql': "{{ config(materialized='table') }}select 1 as n",
      'models/b.sql': "select * from {{ ref('a') }}",
      'models/c.sql': 'select 2 as n',
    };
    await buildFiles(files);
    const built = await buildFiles({
      ...files,
      'models/a.sql': "{{ config(materialized='table') }}select 1 / 0 as n",
    });
    assert.equal(built.success, false);
    assert.deepEqual(statusOf(built), { a: 'error', b: 'skipped', c: 'success' });
    assert.match(built.results.find(({ status }) => status === 'error')!.message!, /division by zero \(22012\)/);
    assert.deepEqual([...(await sql`select n from dev.b`)], [{ n: 1 }]);
  });

  it('skips the models that read a model with a failed test, and continues after a warning', async () => {
    const tests = (severity: string) =>
      `models:\n  - name: a\n    columns:\n      - name: n\n        data_tests:\n          - unique:\n              config: {severity: ${severity}}\n`;
    const files = {
      'models/a.sql': 'select 1 as n union all select 1',
      'models/b.sql': "select * from {{ ref('a') }}",
    };
    const failed = await buildFiles({ ...files, 'models/s.yml': tests('error') });
    assert.deepEqual(statusOf(failed), { a: 'success', unique_a_n: 'fail', b: 'skipped' });
    const warned = await buildFiles({ ...files, 'models/s.yml': tests('warn') });
    assert.deepEqual(statusOf(warned), { a: 'success', unique_a_n: 'warn', b: 'success' });
    assert.equal(warned.success, true);
  });

  it('applies each generic and singular test, and only to the rows of its "where"', async () => {
    const built = await buildFiles({
      'models/p.sql': 'select 1 as id',
      'models/a.sql': "select * from (values (1, 'x', 1), (1, null, 2), (null, 'y', null)) as t (id, kind, parent)",
      'models/s.yml': `models:
  - name: a
    columns:
      - name: id
        data_tests:
          - unique
          - not_null
          - not_null: {name: id_where_x, config: {where: "kind = 'x'"}}
      - name: kind
        data_tests:
          - accepted_values: {arguments: {values: [x]}}
      - name: parent
        data_tests:
          - relationships: {to: ref('p'), field: id}
`,
      'tests/none.sql': "select * from {{ ref('a') }} where kind = 'nobody'",
      'tests/some.sql': "select * from {{ ref('a') }}",
    });
    const failures = Object.fromEntries(
      built.results.map(({ unique_id, failures: count }) => [unique_id.split('.')[2], count]),
    );
    assert.deepEqual(failures, {
      p: null,
      a: null,
      unique_a_id: 1,
      not_null_a_id: 1,
      id_where_x: 0,
      accepted_values_a_kind__x: 1,
      relationships_a_parent__id__ref_p_: 1,
      none: 0,
      some: 3,
    });
  });

  it('replaces a table by a view and a view by a table, and keeps foreign views that read it', async () => {
    const as = (materialized: string, columns: string) => ({
      'models/a.sql': `{{ config(materialized='${materialized}') }}select ${columns}`,
    });
    await buildFiles(as('table', '1 as n'));
    await sql`create view public.reader as select n from dev.a`;
    await sql`create view public.second as select n from public.reader`;
    await buildFiles(as('view', "2 as n, 'x' as extra"));
    assert.equal(await kindOf('dev.a'), 'v');
    assert.deepEqual([...(await sql`select n from public.second`)], [{ n: 2 }]);
    await buildFiles(as('view', "'y' as extra, 3 as n"));
    assert.deepEqual([...(await sql`select n from public.second`)], [{ n: 3 }]);
    await buildFiles(as('incremental', '4 as n'));
    assert.equal(await kindOf('dev.a'), 'r');
    assert.deepEqual([...(await sql`select n from public.second`)], [{ n: 4 }]);
  });

  it('does not replace a relation that is neither table nor view, or that a materialized view reads', async () => {
    await sql`create schema dev`;
    await sql`create sequence dev.a`;
    const sequence = await buildFiles({ 'models/a.sql': 'select 1 as n' });
    assert.match(sequence.results[0]!.message!, /neither table nor view/);
    const files = { 'models/b.sql': "{{ config(materialized='table') }}select 1 as n" };
    await buildFiles(files);
    await sql`create materialized view public.kept as select * from dev.b`;
    const held = await buildFiles(files);
    assert.match(held.results[0]!.message!, /"public"."kept" depends on "dev"."b"/);
  });

  it('never shows a reader a missing or half-built table', async () => {
    const files = {
      'models/a.sql': "{{ config(materialized='table') }}select generate_series(1, 20000) as n",
      'models/v.sql': "select * from {{ ref('a') }}",
    };
    await buildFiles(files);
    let building = true;
    const counts = new Set<number>();
    let reads = 0;
    const reader = (async () => {
      while (building) {
        const [row] = await sql<
          { n: number }[]
        >`select (select count(*) from dev.a) + (select count(*) from dev.v) as n`;
        counts.add(row!.n);
        reads++;
      }
    })();
    for (let run = 0; run < 10; run++) assert((await buildFiles(files)).success);
    building = false;
    await reader;
    assert.deepEqual([...counts], [40_000]);
    assert(reads > 10, `only ${reads} reads`);
  });

  it('succeeds in several concurrent runs', async () => {
    const pool = connect(database.url, { max_connections: 16 });
    try {
      for (let round = 0; round < 3; round++) {
        const runs = await Promise.all(Array.from({ length: 4 }, () => buildShop({ sql: pool, threads: 3 })));
        for (const run of runs)
          assert(run.success, JSON.stringify(run.results.filter(({ message }) => message !== null)));
      }
    } finally {
      await pool.end();
    }
    const [row] = await sql`select count(*) as rows, count(distinct order_id) as ids from dev.order_event`;
    assert.deepEqual({ ...row }, { rows: 48, ids: 48 });
    assert.equal((await sql`select from dev.order_log`).length, 50);
  });

  it("takes its schemas from the project's macro generate_schema_name", async () => {
    const built = await buildFiles({
      'macros/schema.sql':
        '{% macro generate_schema_name(custom, node) %}\n{{ target.schema if custom is none else custom }}\n{% endmacro %}',
      'models/a.sql': "{{ config(schema='mart') }}select 1 as n",
    });
    assert(built.success);
    assert.equal(await kindOf('mart.a'), 'v');
  });

  it('refuses two models with the same relation', async () => {
    const files = { 'models/a.sql': 'select 1 as n', 'models/b.sql': "{{ config(alias='a') }}select 2 as n" };
    await assert.rejects(async () => buildFiles(files), /b: a has the same relation/);
  });

  it("writes dbt's artifacts", async () => {
    const dir = mkdtempSync(join(tmpdir(), 'dbt-target-'));
    try {
      const built = await buildShop({ target_dir: dir });
      const manifest = JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8'));
      const run_results = JSON.parse(readFileSync(join(dir, 'run_results.json'), 'utf8'));
      assert.equal(manifest.metadata.dbt_schema_version, 'https://schemas.getdbt.com/dbt/manifest/v12.json');
      assert.equal(manifest.nodes['model.shop.spend'].relation_name, '"dev"."spend"');
      assert.deepEqual(manifest.parent_map['model.shop.top_customer'], ['model.shop.spend']);
      assert.equal(run_results.results.length, built.results.length);
      const spend = run_results.results.find(
        ({ unique_id }: { unique_id: string }) => unique_id === 'model.shop.spend',
      );
      assert.deepEqual([spend.status, spend.adapter_response], ['success', { rows_affected: 5 }]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
