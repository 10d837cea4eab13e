import { isInstant } from '../core/clock.ts';
import { quoted, type Relation } from './relations.ts';
import { type CallArguments, type JinjaValue, jinjaFunction, jinjaRecord, toJinja } from './template/values.ts';

/** Target of a build: the schema, and the name that `target.name` gives. */
export interface Target {
  readonly schema: string;
  readonly name?: string;
}

/** The dbt functions of one template. */
export interface ContextInput {
  readonly project_name: string;
  readonly vars: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string>>;
  readonly target: Target;
  /** The logical instant, ISO 8601. */
  readonly at: string;
  /** The relation to build; null for tests and properties. */
  readonly this: Relation | null;
  readonly execute: boolean;
  readonly is_incremental: boolean;
  readonly ref: (name: string) => Relation;
  readonly source: (source: string, table: string) => Relation;
  readonly config: (keys: Readonly<Record<string, unknown>>) => void;
}

/** The names that `createContext` gives, beside the project's macros. */
export const CONTEXT_NAMES: readonly string[] = [
  ...['ref', 'source', 'config', 'var', 'env_var', 'this', 'is_incremental', 'target', 'run_started_at', 'execute'],
  ...['exceptions', 'log', 'project_name', 'return'],
];

/** dbt's functions and variables for one template (https://docs.getdbt.com/reference/dbt-jinja-functions). */
export const createContext = (input: ContextInput): Record<string, JinjaValue> => {
  const { target, project_name } = input;
  const functions = {
    ref: (call: CallArguments) => relationValue(input.ref(refName(call, project_name))),
    source: ({ positional: [source, table] }: CallArguments) =>
      relationValue(input.source(text(source, 'source()'), text(table, 'source()'))),
    config: ({ positional: [keys], named }: CallArguments) => {
      input.config({ ...(keys as object | undefined), ...named });
      return '';
    },
    var: ({ positional, named }: CallArguments) => lookUp('var', input.vars, positional, named),
    env_var: ({ positional, named }: CallArguments) => lookUp('env_var', input.env, positional, named),
    is_incremental: () => input.is_incremental,
    log: () => '',
  };
  return {
    ...Object.fromEntries(Object.entries(functions).map(([name, run]) => [name, jinjaFunction(run)])),
    ...(input.this === null ? {} : { this: relationValue(input.this) }),
    target: jinjaRecord(
      {
        name: target.name ?? 'onevault',
        schema: target.schema,
        type: 'postgres',
        profile_name: project_name,
      },
      null,
    ),
    run_started_at: instantValue(input.at),
    execute: toJinja(input.execute),
    exceptions: jinjaRecord(
      { raise_compiler_error: jinjaFunction(({ positional: [message] }) => raise(message)) },
      null,
    ),
    project_name: toJinja(project_name),
  };
};

const relationValue = (relation: Relation): JinjaValue => {
  const { schema, identifier } = relation;
  return jinjaRecord({ schema, identifier, name: identifier, table: identifier }, quoted(relation));
};

/** The model that `ref('x')` or `ref('project', 'x')` names. */
const refName = ({ positional, named }: CallArguments, project_name: string): string => {
  if (Object.keys(named).length > 0) throw new Error('ref() with a version is not supported');
  if (positional.length < 2) return text(positional[0], 'ref()');
  if (positional[0] !== project_name) throw new Error(`ref(): there is no package "${String(positional[0])}"`);
  return text(positional[1], 'ref()');
};

const lookUp = (
  name: 'var' | 'env_var',
  values: Readonly<Record<string, unknown>>,
  positional: readonly unknown[],
  named: Readonly<Record<string, unknown>>,
): unknown => {
  const key = text(positional[0], `${name}()`);
  if (Object.hasOwn(values, key)) return values[key];
  if (positional.length > 1) return positional[1];
  if ('default' in named) return named.default;
  throw new Error(`${name}('${key}') is not given and has no default`);
};

const text = (value: unknown, who: string): string => {
  if (typeof value !== 'string')
    throw new TypeError(`${who} takes text, not ${value === undefined ? 'nothing' : JSON.stringify(value)}`);
  return value;
};

const raise = (message: unknown): never => {
  throw new Error(String(message));
};

/** A Python `datetime` in UTC, as far as models use it. */
const instantValue = (at: string): JinjaValue => {
  if (!isInstant(at)) throw new RangeError(`not an instant (ISO 8601, UTC): ${at}`);
  const [date, clock = ''] = at.slice(0, -1).split('T');
  const [whole, fraction] = clock.split('.');
  // Python writes six digits, or none when they are all zero.
  const digits = (fraction ?? '').padEnd(6, '0');
  const seconds = digits === '000000' ? whole : `${whole}.${digits}`;
  const members = {
    isoformat: jinjaFunction(() => `${date}T${seconds}+00:00`),
    strftime: jinjaFunction(({ positional: [format] }) => strftime(at, digits, text(format, 'strftime()'))),
  };
  return jinjaRecord(members, `${date} ${seconds}+00:00`);
};

const strftime = (at: string, microseconds: string, format: string): string => {
  const parts: Readonly<Record<string, string>> = {
    Y: at.slice(0, 4),
    m: at.slice(5, 7),
    d: at.slice(8, 10),
    H: at.slice(11, 13),
    M: at.slice(14, 16),
    S: at.slice(17, 19),
    f: microseconds,
    z: '+0000',
    Z: 'UTC',
    '%': '%',
  };
  return format.replace(
    /%(.)/g,
    (whole, letter: string) => parts[letter] ?? raise(`strftime(): ${whole} is not supported`),
  );
};
