import type { Query } from '../../http/query.ts';
import { OPERATORS, type Operator, type Property } from '../declaration/list-query.ts';
import type { Parameters } from './statement.ts';

const COMPARISONS: Readonly<Partial<Record<Operator, string>>> = { gt: '>', gte: '>=', lt: '<', lte: '<=' };

/** The SQL conditions for a query's filters. */
export const filterConditions = (
  properties: readonly Property[],
  query: Query,
  parameters: Parameters,
): readonly string[] =>
  properties.flatMap((property) => {
    const add = (value: unknown): string =>
      parameters.add(columnText(property, value), property.type === 'text[]' ? 'text' : property.type);
    const { name, sql, type } = property;
    const equals = (value: unknown): string =>
      type === 'text[]' ? `${add(value)} = any(${sql})` : `${sql} = ${add(value)}`;
    const any = query[name] as readonly unknown[] | undefined;
    return [
      ...(any === undefined ? [] : [`(${any.map(equals).join(' or ')})`]),
      ...OPERATORS.flatMap((operator) => {
        const given = query[`${name}[${operator}]`];
        if (given === undefined) return [];
        if (operator === 'not') return (given as unknown[]).map((value) => `(${equals(value)}) is not true`);
        if (operator === 'prefix') return [`starts_with(${sql}, ${add(given)})`];
        return [`${sql} ${COMPARISONS[operator]} ${add(given)}`];
      }),
    ];
  });

const columnText = ({ codec, name, type }: Property, value: unknown): string =>
  String(codec === null || type === 'instant' ? value : codec.toColumn(value, name));

/** One part of an order; the id's parts come last, so that the order is total. */
export interface SortKey {
  readonly property: Property;
  readonly is_descending: boolean;
}

/** The order of a query. @param id the parts of the id as properties */
export const sortKeysOf = (sorts: readonly Property[], id: readonly Property[], sort: unknown): SortKey[] => {
  const asked = (typeof sort === 'string' ? sort.split(',') : []).map((text) => ({
    property: sorts.find(({ name }) => name === text.replace(/^-/, ''))!,
    is_descending: text.startsWith('-'),
  }));
  const rest = id.filter(({ sql }) => !asked.some(({ property }) => property.sql === sql));
  return [...asked, ...rest.map((property) => ({ property, is_descending: false }))];
};

/** Rows without a value come last, in either direction. */
export const orderText = (keys: readonly SortKey[]): string =>
  keys.map(({ property, is_descending }) => `${property.sql} ${is_descending ? 'desc' : 'asc'} nulls last`).join(', ');

/**
 * The condition for rows that come after one in an order.
 * @param after the row's value of each key as text, null without one
 */
export const afterCondition = (
  keys: readonly SortKey[],
  after: readonly (string | null)[],
  parameters: Parameters,
): string => {
  const [key, ...rest] = keys;
  if (key === undefined) return 'false';
  const { sql, type } = key.property;
  const value = after[0] ?? null;
  const deeper = afterCondition(rest, after.slice(1), parameters);
  if (value === null) return `(${sql} is null and ${deeper})`;
  const given = parameters.add(value, type);
  const beyond = `${sql} ${key.is_descending ? '<' : '>'} ${given}`;
  return `(${beyond} or ${sql} is null or (${sql} = ${given} and ${deeper}))`;
};
