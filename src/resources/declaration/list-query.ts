import { INSTANT_SCHEMA } from '../../http/formats.ts';
import type { QueryParameter, Schema } from '../../http/route.ts';
import type { EngineDeps } from '../engine-deps.ts';
import type { Codec } from './codecs.ts';
import type { ResourceModel } from './model.ts';

/** A property for filters or sorts of a list. */
export interface Property {
  readonly name: string;
  readonly sql: string;
  readonly type: 'text' | 'uuid' | 'integer' | 'bigint' | 'decimal' | 'boolean' | 'instant' | 'date' | 'text[]';
  readonly codec: Codec | null;
  /** Allowed values; null allows any. */
  readonly allowed: readonly unknown[] | null;
}

export const OPERATORS = ['not', 'gt', 'gte', 'lt', 'lte', 'prefix'] as const;
export type Operator = (typeof OPERATORS)[number];

const OPERATORS_OF: Readonly<Record<Property['type'], readonly Operator[]>> = {
  text: ['not', 'prefix'],
  uuid: ['not'],
  boolean: [],
  'text[]': ['not'],
  integer: ['not', 'gt', 'gte', 'lt', 'lte'],
  bigint: ['not', 'gt', 'gte', 'lt', 'lte'],
  decimal: ['not', 'gt', 'gte', 'lt', 'lte'],
  instant: ['not', 'gt', 'gte', 'lt', 'lte'],
  date: ['not', 'gt', 'gte', 'lt', 'lte'],
};

const WORDS: Readonly<Record<Operator, string>> = {
  not: 'Not',
  gt: 'Greater than',
  gte: 'At least',
  lt: 'Less than',
  lte: 'At most',
  prefix: 'Begins with',
};

/** The declared filters or sorts with their SQL, in order. */
export const propertiesOf = <Deps extends EngineDeps>(
  { id, references, fields }: ResourceModel<Deps>,
  names: readonly string[],
): Property[] =>
  names.map((name): Property => {
    const key = [...id, ...references].find((each) => each.name === name);
    if (key !== undefined) return { name, sql: key.sql, type: 'text', codec: null, allowed: null };
    const { sql, type, codec, shown } = fields.find((each) => each.name === name)!;
    if (type === null || type === 'json' || type === 'bytes') throw new Error(`${name} cannot be compared`);
    const allowed = Array.isArray(shown.enum) ? shown.enum.filter((value) => value !== null) : null;
    return { name, sql, type, codec, allowed };
  });

/** The parameters of a query that filter by a property: `name`, and `name[operator]`. */
export const filterParameters = (property: Property): Record<string, QueryParameter> => {
  const { name, type } = property;
  const schema = schemaOf(property);
  const parameter = (description: string): QueryParameter => ({ schema, description, is_repeated: true });
  return {
    [name]: parameter(`Any of the values that are given.`),
    ...Object.fromEntries(
      OPERATORS_OF[type].map((operator) => [
        `${name}[${operator}]`,
        operator === 'not'
          ? parameter('None of the values that are given.')
          : { schema, description: `${WORDS[operator]}.` },
      ]),
    ),
  };
};

const MAX_CHARS = 255;

const schemaOf = ({ type, codec, allowed }: Property): Schema => {
  if (allowed !== null) return { enum: allowed };
  switch (type) {
    case 'boolean':
      return { type: 'boolean' };
    case 'integer':
      return { type: 'integer', minimum: -2_147_483_648, maximum: 2_147_483_647 };
    case 'bigint':
      return { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER };
    case 'decimal':
      return { type: 'string', pattern: codec === null ? '^-?\\d{1,30}(\\.\\d{1,20})?$' : '^\\d{1,9}(\\.\\d{1,12})?$' };
    case 'instant':
      return INSTANT_SCHEMA;
    case 'date':
      return { type: 'string', format: 'day' };
    case 'uuid':
      return { type: 'string', format: 'uuid' };
    default:
      return { type: 'string', maxLength: MAX_CHARS };
  }
};

/** The parameters `sort`, over the declared properties, and `fields`, over all shown fields. */
export const shapeParameters = (
  sorts: readonly string[],
  shown: readonly string[],
): Record<string, QueryParameter> => ({
  ...(sorts.length === 0
    ? {}
    : {
        sort: {
          schema: { type: 'string', pattern: listPattern(sorts, '-?') },
          description: `Properties, separated by commas, in descending order after a hyphen: ${sorts.join(', ')}.`,
        },
      }),
  fields: fieldsParameter(shown),
});

/** The parameter that selects fields of a resource. */
export const fieldsParameter = (shown: readonly string[]): QueryParameter => ({
  schema: { type: 'string', pattern: listPattern(shown, '') },
  description: `Fields to show, separated by commas: ${shown.join(', ')}.`,
});

const listPattern = (names: readonly string[], before: string): string => {
  const one = `${before}(${names.join('|')})`;
  return `^${one}(,${one})*$`;
};
