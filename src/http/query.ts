import type { ParsedUrlQuery } from 'node:querystring';
import type { FieldFault } from '../core/errors.ts';
import { invalidQuery } from './faults.ts';
import type { QueryParameter, Schema } from './route.ts';
import { createFaultFinder, type FindFaults } from './validate.ts';

/** Parsed parameters of a query, without those that were not sent. */
export type Query = Readonly<Record<string, unknown>>;

// More values of one name are a list to be sent in parts.
const MAX_VALUES = 50;
// Parameters of every route.
const EVERYWHERE = ['version'];

/**
 * A reader of queries.
 * @returns a function that throws OneVaultError invalid_request with every fault: names that are unknown, missing or
 * duplicate, invalid values
 */
export const createQueryReader = (
  parameters: Readonly<Record<string, QueryParameter>>,
): ((query: ParsedUrlQuery) => Query) => {
  const find = new Map(Object.entries(parameters).map(([name, { schema }]) => [name, createFaultFinder(schema)]));
  return (query) => {
    const faults: FieldFault[] = [];
    const read: Record<string, unknown> = {};
    for (const [name, given] of Object.entries(query)) {
      const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
      if (parameter === undefined) {
        if (!EVERYWHERE.includes(name)) faults.push(unknownName(name, Object.keys(parameters)));
        continue;
      }
      const texts = [given ?? ''].flat();
      const values = texts.map((text) => readValue(text, parameter.schema));
      const fault = faultOf(name, texts, values, parameter, find.get(name)!);
      if (fault !== null) faults.push(fault);
      else read[name] = parameter.is_repeated === true ? values : values[0];
    }
    for (const [name, { is_required }] of Object.entries(parameters)) {
      if (is_required === true && query[name] === undefined) faults.push(missing(name));
    }
    if (faults.length > 0) throw invalidQuery(faults);
    return read;
  };
};

const faultOf = (
  name: string,
  texts: readonly string[],
  values: readonly unknown[],
  { is_repeated }: QueryParameter,
  find: FindFaults,
): FieldFault | null => {
  const path = `query.${name}`;
  if (texts.length > 1 && is_repeated !== true) {
    return { path, code: 'duplicate', message: `${name} stands twice in the query: give one value.` };
  }
  if (texts.length > MAX_VALUES) {
    return { path, code: 'too_many', message: `${name} stands ${MAX_VALUES} times at most.` };
  }
  if (texts.some((text) => text.includes('\0'))) {
    return { path, code: 'pattern', message: `${name} is a text without NUL.` };
  }
  const [fault] = values.flatMap((value) => find(value));
  if (fault === undefined) return null;
  return { path, code: fault.code, message: fault.message.replace('The body', name) };
};

const missing = (name: string): FieldFault => ({
  path: `query.${name}`,
  code: 'required',
  message: `${name} is missing in the query.`,
});

const unknownName = (name: string, known: readonly string[]): FieldFault => {
  const shown = name.replaceAll('\0', '\ufffd').slice(0, 100);
  return {
    path: `query.${shown}`,
    code: 'unknown_parameter',
    message: `${shown} is no parameter of this path; there are: ${[...known, ...EVERYWHERE].join(', ')}.`,
  };
};

const INTEGER = /^-?\d{1,16}$/;
const NUMBER = /^-?\d{1,16}(\.\d{1,16})?$/;

/** The value of a text, or the text itself if it has another form, so that the schema refuses it. */
const readValue = (text: string, { type }: Schema): unknown => {
  if (type === 'integer' && INTEGER.test(text)) return Number(text);
  if (type === 'number' && NUMBER.test(text)) return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
};
