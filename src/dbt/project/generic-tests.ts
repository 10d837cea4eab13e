import { createHash } from 'node:crypto';
import { texts } from './model-config.ts';
import type { RawTest } from './properties.ts';
import type { TestConfig } from './types.ts';

/** A generic test as it was written, made whole. */
export interface TestDefinition {
  readonly test: string;
  readonly column: string | null;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly config: TestConfig;
  readonly name: string;
  readonly description: string;
  /** The test as a Jinja template whose rows are its failures. */
  readonly source: string;
}

interface TestInput {
  readonly raw: RawTest;
  /** `{{ ref('x') }}` or `{{ source('a', 'b') }}` */
  readonly relation: string;
  /** The name of the model, or of source and table, for the test's own name. */
  readonly subject: string;
  readonly is_source: boolean;
  readonly column: { readonly name: string; readonly quote: boolean } | null;
}

const ARGUMENTS: Readonly<Record<string, { required: readonly string[]; optional: readonly string[] }>> = {
  not_null: { required: [], optional: [] },
  unique: { required: [], optional: [] },
  accepted_values: { required: ['values'], optional: ['quote'] },
  relationships: { required: ['to', 'field'], optional: [] },
};
const CONFIG_KEYS = ['severity', 'where', 'tags', 'enabled', 'meta'];

/**
 * The test that a properties file declares, in the old form (arguments beside the config keys) or the new one
 * (`arguments:`).
 * @throws Error when the test, an argument or a config key is not supported
 */
export const defineTest = (input: TestInput): TestDefinition => {
  const { test, body } = splitTest(input.raw);
  const known = ARGUMENTS[test];
  if (known === undefined)
    throw new Error(`the test "${test}" is not supported (${Object.keys(ARGUMENTS).join(', ')})`);
  const { arguments: nested, config: raw_config, name, description, column_name, ...flat } = body;
  const given: Record<string, unknown> = { ...(nested as object | undefined) };
  const config: Record<string, unknown> = { ...(raw_config as object | undefined) };
  for (const [key, value] of Object.entries(flat)) (CONFIG_KEYS.includes(key) ? config : given)[key] = value;
  const at_model = column_name ?? given.column_name;
  delete given.column_name;
  checkKeys(test, given, known);
  const column = columnOf(input, at_model);
  if (column === null) throw new Error(`the test "${test}" needs a column`);
  const checked = checkConfig(test, config);
  const from =
    checked.where === null ? input.relation : `(select * from ${input.relation} where ${checked.where}) dbt_subquery`;
  return {
    test,
    column,
    arguments: given,
    config: checked,
    name: name === undefined ? testName(input, test, { ...given, column_name: column }) : String(name),
    description: description === undefined ? '' : String(description),
    source: SOURCES[test]!(from, column, given),
  };
};

const splitTest = (raw: RawTest): { test: string; body: Record<string, unknown> } => {
  if (typeof raw === 'string') return { test: raw, body: {} };
  const [entry, ...others] = Object.entries(raw);
  if (entry === undefined || others.length > 0) throw new Error('a test is one name with its arguments below it');
  return { test: entry[0], body: (entry[1] ?? {}) as Record<string, unknown> };
};

const checkKeys = (test: string, given: object, known: (typeof ARGUMENTS)[string]): void => {
  for (const key of Object.keys(given)) {
    if (![...known.required, ...known.optional].includes(key))
      throw new Error(`the test "${test}" has no argument "${key}"`);
  }
  for (const key of known.required)
    if (!(key in given)) throw new Error(`the test "${test}" needs the argument "${key}"`);
};

const checkConfig = (test: string, config: Readonly<Record<string, unknown>>): TestConfig => {
  for (const key of Object.keys(config)) {
    if (!CONFIG_KEYS.includes(key)) throw new Error(`the config "${key}" of the test "${test}" is not supported`);
  }
  const severity = String(config.severity ?? 'error').toLowerCase();
  if (severity !== 'error' && severity !== 'warn')
    throw new Error(`the severity of a test is error or warn, not "${severity}"`);
  const enabled = config.enabled ?? true;
  if (typeof enabled !== 'boolean') throw new Error(`enabled is true or false, not ${JSON.stringify(enabled)}`);
  const where = config.where === undefined || config.where === null ? null : String(config.where);
  return {
    severity,
    where,
    tags: texts(config.tags),
    enabled,
    meta: (config.meta ?? {}) as Record<string, unknown>,
  };
};

/** The config of a singular test, from the keys of its `config()`. Throws Error as `defineTest`. */
export const singularTestConfig = (name: string, keys: Readonly<Record<string, unknown>>): TestConfig => {
  if ('where' in keys) throw new Error('"where" does nothing in a singular test: write it in its SQL');
  return checkConfig(name, keys);
};

const columnOf = ({ column }: TestInput, at_model: unknown): string | null => {
  if (column === null) return at_model === undefined ? null : String(at_model);
  return column.quote ? `"${column.name}"` : column.name;
};

type TestSource = (from: string, column: string, given: Readonly<Record<string, unknown>>) => string;

// The queries of dbt-adapters' `generic_test_sql` macros: same rows, same meaning of null.
const SOURCES: Readonly<Record<string, TestSource>> = {
  not_null: (from, column) => `select ${column}\nfrom ${from}\nwhere ${column} is null`,
  unique: (from, column) =>
    `select ${column} as unique_field, count(*) as n_records\nfrom ${from}\nwhere ${column} is not null\ngroup by ${column}\nhaving count(*) > 1`,
  accepted_values: (from, column, { values, quote }) => {
    if (!Array.isArray(values) || values.length === 0) throw new Error('accepted_values needs a list of values');
    const list = values.map((value) => (quote === false ? String(value) : sqlText(value))).join(', ');
    return `with all_values as (\n  select ${column} as value_field, count(*) as n_records\n  from ${from}\n  group by ${column}\n)\nselect *\nfrom all_values\nwhere value_field not in (${list})`;
  },
  relationships: (from, column, { to, field }) =>
    `with child as (\n  select ${column} as from_field\n  from ${from}\n  where ${column} is not null\n), parent as (\n  select ${String(field)} as to_field\n  from {{ ${String(to).replace(/^\{\{|\}\}$/g, '')} }}\n)\nselect from_field\nfrom child\nleft join parent on child.from_field = parent.to_field\nwhere parent.to_field is null`,
};

const sqlText = (value: unknown): string => {
  const text = value === true ? 'True' : value === false ? 'False' : String(value);
  if (/\{[{%#]/.test(text)) throw new Error(`accepted_values: ${text} holds Jinja, which is not supported there`);
  return `'${text.replaceAll("'", "''")}'`;
};

/** dbt's name of a test (`synthesize_generic_test_names` in dbt-core): the test, what it is of, its arguments. */
const testName = (
  { is_source, subject }: TestInput,
  test: string,
  given: Readonly<Record<string, unknown>>,
): string => {
  const parts = Object.keys(given)
    .sort()
    .flatMap((key) => (Array.isArray(given[key]) ? given[key] : [given[key]]) as unknown[])
    .map((part) => (part === true ? 'True' : part === false ? 'False' : String(part)).replace(/[^0-9a-zA-Z_]+/g, '_'));
  return `${is_source ? 'source_' : ''}${test}_${subject}_${parts.join('__')}`;
};

/** The end of a test's unique id, which distinguishes tests of one name. */
export const testHash = (definition: TestDefinition): string =>
  createHash('sha256')
    .update(
      JSON.stringify([definition.test, definition.column, definition.arguments, definition.config, definition.source]),
    )
    .digest('hex')
    .slice(0, 10);
