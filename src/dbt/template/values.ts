import { Environment } from '@huggingface/jinja';

/** A value inside the Jinja library, whose classes it does not export. */
export type JinjaValue = ReturnType<Environment['lookupVariable']>;

/** Arguments of a call in a template, as plain values. */
export interface CallArguments {
  readonly positional: readonly unknown[];
  readonly named: Readonly<Record<string, unknown>>;
}

type JinjaCall = (args: JinjaValue[], scope: Environment) => JinjaValue;

/** The Jinja value of a plain one: text, number, boolean, null, array, record. */
export const toJinja = (value: unknown): JinjaValue => new Environment().set('value', value);

/** A function that templates can call: `run` gets plain values and returns one, or a Jinja value as it is. */
export const jinjaFunction = (run: (call: CallArguments) => unknown): JinjaValue => {
  return rawFunction((args) => {
    const last = args.at(-1);
    const has_named = last?.type === 'KeywordArgumentsValue';
    const positional = (has_named ? args.slice(0, -1) : args).map(fromJinja);
    const result = run({ positional, named: has_named ? (fromJinja(last) as Record<string, unknown>) : {} });
    return isJinja(result) ? result : toJinja(result);
  });
};

/** A function of Jinja values. */
export const rawFunction = (run: JinjaCall): JinjaValue => {
  const value = toJinja(() => null);
  (value as { value: unknown }).value = run;
  return value;
};

/** A record that templates read members of, and that writes itself as `text`. */
export const jinjaRecord = (members: Readonly<Record<string, unknown>>, text: string | null): JinjaValue => {
  const record = toJinja({});
  const map = record.value as Map<string, JinjaValue>;
  for (const [name, member] of Object.entries(members)) map.set(name, isJinja(member) ? member : toJinja(member));
  if (text !== null) {
    // `{{ x }}` takes the text of the value, and `x ~ ''` takes its content.
    record.toString = () => text;
    map.toString = () => text;
  }
  return record;
};

/** The plain value of a Jinja value. Undefined stays undefined. */
const fromJinja = (value: JinjaValue): unknown => {
  switch (value.type) {
    case 'ArrayValue':
    case 'TupleValue':
      return (value.value as JinjaValue[]).map(fromJinja);
    case 'ObjectValue':
    case 'NamespaceValue':
    case 'KeywordArgumentsValue':
      if (Object.hasOwn(value, 'toString')) return value.toString();
      return Object.fromEntries(
        [...(value.value as Map<string, JinjaValue>)].map(([name, member]) => [name, fromJinja(member)]),
      );
    case 'FunctionValue':
      return undefined;
    default:
      return value.value;
  }
};

const RuntimeValue = Object.getPrototypeOf(Object.getPrototypeOf(toJinja('')).constructor) as {
  new (): JinjaValue;
};

const isJinja = (value: unknown): value is JinjaValue => value instanceof RuntimeValue;
