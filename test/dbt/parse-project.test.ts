import assert from 'node:assert/strict';
import { join } from 'node:path';
import { compile } from '../../src/dbt/compile.ts';
import { DbtProjectError, faultText } from '../../src/dbt/faults.ts';
import { parseProject } from '../../src/dbt/project/parse-project.ts';
import type { Project } from '../../src/dbt/project/types.ts';
import { selectNodes } from '../../src/dbt/select.ts';
import { writeProject } from './project-folder.ts';

const SHOP = join(import.meta.dirname, 'fixtures/shop');
const AT = '2026-01-31T00:00:00Z';

const parseFiles = (files: Readonly<Record<string, string>>, vars: Record<string, unknown> = {}): Project => {
  const { dir, remove } = writeProject(files);
  try {
    return parseProject({ project_dir: dir, vars, env: { REGION: 'eu' } });
  } finally {
    remove();
  }
};

const faultsOf = (files: Readonly<Record<string, string>>): string[] => {
  try {
    parseFiles(files);
  } catch (error) {
    assert(error instanceof DbtProjectError);
    return error.faults.map(faultText);
  }
  return [];
};

const sqlOf = (source: string, macros = '', vars: Record<string, unknown> = {}): string => {
  const project = parseFiles({ 'models/m.sql': source, 'macros/all.sql': macros }, vars);
  return compile(project, 'm', { target: { schema: 'dev' }, at: AT }).sql;
};

describe('the parser of a dbt project', () => {
  const project = parseProject({ project_dir: SHOP });
  const model = (name: string) => project.models.get(`model.shop.${name}`)!;

  it('returns the models, tests and sources of its files', () => {
    assert.equal(project.models.size, 8);
    assert.equal(project.tests.size, 10);
    assert.deepEqual([...project.sources.keys()], ['source.shop.shop_raw.orders', 'source.shop.shop_raw.customer']);
  });

  it('returns the dependencies of models, also behind is_incremental()', () => {
    assert.deepEqual(model('spend').depends_on, [
      'model.shop.stg_customer',
      'model.shop.stg_order',
      'model.shop.order_event',
    ]);
  });

  it('merges config from the folders, the properties file and the model, and combines tags', () => {
    assert.equal(model('stg_order').config.schema, 'staging');
    assert.equal(model('top_customer').config.materialized, 'view');
    assert.deepEqual(model('spend_by_kind').config.tags, ['shop', 'mart', 'kinds']);
    assert.deepEqual(model('spend').config.meta, { owner: 'billing' });
  });

  it("prefers the caller's vars to those of the project", () => {
    const given = parseProject({ project_dir: SHOP, vars: { currency: 'eur' } });
    assert.match(compile(given, 'stg_order', { target: { schema: 'dev' }, at: AT }).sql, /'eur' as currency/);
  });

  it('compiles to the same SQL and SHA-256 each time', () => {
    const input = { target: { schema: 'dev' }, at: AT };
    assert.deepEqual(compile(project, 'spend', input), compile(parseProject({ project_dir: SHOP }), 'spend', input));
    assert.match(compile(project, 'spend', input).sha256, /^[0-9a-f]{64}$/);
  });
});

describe('the selection of dbt nodes', () => {
  const project = parseProject({ project_dir: SHOP });
  const models = (selection: string) =>
    [...selectNodes(project, selection)]
      .filter((id) => id.startsWith('model.'))
      .map((id) => id.slice(11))
      .sort();

  it('selects a model, its parents and its children', () => {
    assert.deepEqual(models('spend'), ['spend']);
    assert.deepEqual(models('spend+'), ['spend', 'top_customer']);
    assert.deepEqual(models('+order_log'), ['order_log', 'stg_order']);
    assert.deepEqual(models('+spend+'), [
      'order_event',
      'paid_order',
      'spend',
      'stg_customer',
      'stg_order',
      'top_customer',
    ]);
  });

  it('selects tags, paths and folders', () => {
    assert.deepEqual(models('tag:mart'), ['spend', 'spend_by_kind', 'top_customer']);
    assert.deepEqual(models('path:models/staging'), ['stg_customer', 'stg_order']);
    assert.deepEqual(models('staging'), ['stg_customer', 'stg_order']);
  });

  it('unites by a space and intersects by a comma', () => {
    assert.deepEqual(models('spend order_log'), ['order_log', 'spend']);
    assert.deepEqual(models('tag:mart,+top_customer'), ['spend', 'top_customer']);
  });

  it('includes the tests of the selected nodes', () => {
    assert([...selectNodes(project, 'spend')].some((id) => id.startsWith('test.shop.not_null_spend_cents')));
  });

  it('refuses a selector that matches nothing', () => {
    assert.throws(() => selectNodes(project, 'nobody'), /names nothing/);
    assert.throws(() => selectNodes(project, 'state:modified'), /not supported/);
  });
});

describe('a dbt template', () => {
  it('calls macros with defaults and named arguments, also from each other', () => {
    const macros = '{% macro a(x, y=2) %}{{ x }}+{{ y }}{% endmacro %}{% macro b() %}{{ a(1, y=3) }}{% endmacro %}';
    assert.equal(sqlOf('select {{ b() }}, {{ a(5) }}', macros), 'select 1+3, 5+2');
  });

  it('uses the return value of a macro', () => {
    const macros = "{% macro names() %}{{ return(['a', 'b']) }}{% endmacro %}";
    assert.equal(sqlOf("select {{ names() | join(', ') }}", macros), 'select a, b');
  });

  it('writes booleans and none like Python, and nothing for an "if" without "else"', () => {
    assert.equal(sqlOf("select {{ true }}, {{ none }}{{ ', x' if false }}"), 'select True, None');
  });

  it('compares values like Python', () => {
    assert.equal(sqlOf("select {{ 1 == '1' }}, {{ 0 == '' }}, {{ [1, 2] == [1, 2] }}"), 'select False, False, True');
  });

  it('contains the instant of the run, vars, the given environment, and the target', () => {
    const source =
      "{{ run_started_at }}|{{ run_started_at.strftime('%Y%m%d') }}|{{ var('n', 7) }}|{{ env_var('REGION') }}|{{ target.schema }}|{{ this }}|{{ this.name }}";
    assert.equal(sqlOf(source), '2026-01-31 00:00:00+00:00|20260131|7|eu|dev|"dev"."m"|m');
  });

  it("hides the caller's variables from a macro", () => {
    const macros = '{% macro show() %}{% if false %}{% set x = 1 %}{% endif %}{{ x is defined }}{% endmacro %}';
    assert.equal(sqlOf('{% set x = 2 %}{{ show() }}', macros), 'False');
  });

  it('inserts an ephemeral model before the SQL that reads it, with its own "with"', () => {
    const project = parseFiles({
      'models/e.sql': "{{ config(materialized='ephemeral') }}select 1 as n",
      'models/m.sql': "with a as (select * from {{ ref('e') }}) select * from a",
    });
    const { sql } = compile(project, 'm', { target: { schema: 'dev' }, at: AT });
    assert.match(sql, /^with "__dbt__cte__e" as \(\nselect 1 as n\n\)\nselect \*\nfrom \(\nwith a as/);
  });
});

describe('a faulty dbt project', () => {
  it('is refused with every fault, its file and its line', () => {
    const faults = faultsOf({
      'dbt_project.yml': 'name: small\nmodels:\n  small:\n    +materialized: cube\n',
      'models/a.sql': "select 1\nfrom {{ ref('nobody') }}",
      'models/b.sql': 'select\n{{ unheard_of(1) }}',
      'models/c.sql': 'select 1\n{% if true %}',
      'models/d.sql': "\n{{ config(materialized='table', contract={'enforced': true}) }} select 1",
      'models/f.sql': "select * from {{ source('raw', 'nothing') }}",
      'models/g.sql': "select {{ var('missing') }}",
      'models/h.sql': 'select 1 {% do x %}',
      'models/x/h.sql': 'select 1',
      'models/schema.yml':
        'version: 2\nmodels:\n  - name: a\n    columns:\n      - name: n\n        tests: [is_nice]\n',
      'seeds/s.csv': 'a\n1\n',
    });
    for (const expected of [
      /^dbt_project.yml:4: the config materialized: "cube" is not supported/,
      /^models\/a.sql:2: a: ref\('nobody'\): there is no such model$/,
      /^models\/b.sql:2: the function or macro unheard_of\(\) is not known$/,
      /^models\/c.sql:2: {% if %} is never closed$/,
      /^models\/d.sql:2: the config key "contract" is not supported$/,
      /^models\/f.sql:1: f: source\('raw', 'nothing'\): there is no such source$/,
      /^models\/g.sql:1: var\('missing'\) is not given and has no default$/,
      /^models\/h.sql:1: the statement {% do %} is not supported$/,
      /^models\/schema.yml:6: the test "is_nice" is not supported/,
      /^seeds\/s.csv: seeds and snapshots are not supported$/,
    ]) {
      assert(
        faults.some((fault) => expected.test(fault)),
        `${expected} is not in\n${faults.join('\n')}`,
      );
    }
  });

  const cases: [string, Record<string, string>, RegExp][] = [
    ['a circle', { 'models/a.sql': "{{ ref('b') }}", 'models/b.sql': "{{ ref('a') }}" }, /in a circle: a → b → a/],
    [
      'one name twice',
      { 'models/a.sql': 'select 1', 'models/x/a.sql': 'select 1' },
      /models\/x\/a.sql: the model "a" is in models\/a.sql too/,
    ],
    ['invalid YAML', { 'models/s.yml': 'models:\n  - name: "a\n' }, /models\/s.yml:\d: /],
    [
      'an unknown key',
      { 'models/a.sql': 'select 1', 'models/s.yml': 'models:\n  - name: a\n    versions: []\n' },
      /models\/s.yml:3: models.0: the key "versions" is not supported/,
    ],
    [
      'a model that is only described',
      { 'models/s.yml': 'models:\n  - name: a\n' },
      /there is no model "a" to describe/,
    ],
    [
      'a disabled model that is read',
      { 'models/a.sql': '{{ config(enabled=false) }}', 'models/b.sql': "{{ ref('a') }}" },
      /ref\('a'\): the model is disabled/,
    ],
    [
      'a name that PostgreSQL would cut',
      { [`models/${'a'.repeat(64)}.sql`]: 'select 1' },
      /longer than PostgreSQL's 63 bytes/,
    ],
    [
      'an undefined value',
      { 'models/a.sql': 'select\n{{ target.nothing }}' },
      /models\/a.sql:2: the value is undefined/,
    ],
    ['a list written into SQL', { 'models/a.sql': '{{ [1, 2] }}' }, /cannot be written into SQL/],
    ['an unknown filter', { 'models/a.sql': "{{ 'a' | shout }}" }, /the filter "shout" is not supported/],
    [
      'an unknown materialization',
      { 'models/a.sql': "{{ config(materialized='snapshot') }}" },
      /models\/a.sql:1: the config materialized: "snapshot"/,
    ],
    [
      'a test with an unknown config',
      {
        'models/a.sql': 'select 1',
        'models/s.yml':
          'models:\n  - name: a\n    columns:\n      - name: n\n        tests:\n          - unique: {store_failures: true}\n',
      },
      /models\/s.yml:6: the test "unique" has no argument "store_failures"/,
    ],
    [
      'a test written twice',
      {
        'models/a.sql': 'select 1',
        'models/s.yml': 'models:\n  - name: a\n    columns:\n      - name: n\n        tests: [unique, unique]\n',
      },
      /is there twice/,
    ],
    ['a model package', { 'packages.yml': '' }, /packages are not supported/],
    [
      'an end without a beginning',
      { 'models/a.sql': 'select 1\n{% endif %}' },
      /models\/a.sql:2: {% endif %} closes nothing/,
    ],
  ];
  for (const [what, files, expected] of cases) {
    it(`is refused because of ${what}`, () => {
      const faults = faultsOf(files);
      assert(
        faults.some((fault) => expected.test(fault)),
        faults.join('\n') || 'it was taken',
      );
    });
  }

  it('is refused if config() depends on values that only a run has', () => {
    const project = parseFiles({ 'models/a.sql': '{{ config(alias=target.schema) }}select 1' });
    assert.throws(() => compile(project, 'a', { target: { schema: 'dev' }, at: AT }), /config\(\) says something else/);
  });
});
