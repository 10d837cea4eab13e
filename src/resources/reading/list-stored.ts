import { instantOf } from '../../core/clock.ts';
import type { CursorContent, Cursors } from '../../http/cursor.ts';
import { invalidParameter } from '../../http/faults.ts';
import type { Pagination } from '../../http/outcome.ts';
import { cursorPagination, pageOf, pagePagination, perPageOf } from '../../http/paging.ts';
import type { Query } from '../../http/query.ts';
import { propertiesOf } from '../declaration/list-query.ts';
import type { ResourceModel } from '../declaration/model.ts';
import type { EngineDeps } from '../engine-deps.ts';
import { afterCondition, filterConditions, orderText, type SortKey, sortKeysOf } from './filter-conditions.ts';
import { confinement, type Place } from './find.ts';
import { readKnown } from './read-known.ts';
import type { AsOf } from './select-text.ts';
import type { Parameters } from './statement.ts';
import { countStored, latest, readStored, type Stored } from './stored.ts';

interface ListInput {
  readonly query: Query;
  readonly place: Omit<Place, 'id'>;
  readonly cursors: Cursors;
}

/** The page of a resource's list that the query requests. @throws OneVaultError invalid_request */
export const listStored = async <Deps extends EngineDeps>(
  deps: Deps,
  model: ResourceModel<Deps>,
  input: ListInput,
): Promise<{ readonly rows: readonly Stored[]; readonly pagination: Pagination }> => {
  const { resource } = model;
  const { query } = input;
  const keys = sortKeysOf(
    propertiesOf(model, resource.sorts ?? []),
    propertiesOf(
      model,
      model.id.map(({ name }) => name),
    ),
    query.sort,
  );
  const goes_on = query.cursor !== undefined || query.after !== undefined;
  if (resource.paging === 'cursor' || goes_on) return listByCursor(deps, model, input, keys);
  const at = await instantsOf(deps, model, query);
  const conditions = conditionsOf(model, input);
  const asked = pageOf(query);
  const [rows, total] = await Promise.all([
    readStored(deps, deps.sql, model, {
      at,
      conditions,
      order: orderText(keys),
      limit: asked.per_page,
      offset: asked.offset,
    }),
    countStored(deps.sql, model, { at, conditions }),
  ]);
  return { rows, pagination: pagePagination(asked, total) };
};

const listByCursor = async <Deps extends EngineDeps>(
  deps: Deps,
  model: ResourceModel<Deps>,
  { query, place, cursors }: ListInput,
  keys: readonly SortKey[],
): Promise<{ readonly rows: readonly Stored[]; readonly pagination: Pagination }> => {
  const per_page = perPageOf(query);
  const going_on = readCursor(query, cursors, keys);
  // All pages show the knowledge of the first page, so that no row appears twice or is missing.
  const known = going_on?.fixed.known ?? (await readKnown(deps, query));
  const at = { ...latest(model, going_on?.fixed.applied ?? known), ...appliedOf(query), known };
  const conditions = conditionsOf(model, { query, place, cursors });
  const found = await readStored(deps, deps.sql, model, {
    at,
    conditions: (parameters) => [
      ...conditions(parameters),
      ...(going_on === null ? [] : [afterCondition(keys, going_on.key as (string | null)[], parameters)]),
    ],
    order: orderText(keys),
    limit: per_page + 1,
  });
  const rows = found.slice(0, per_page);
  const last = rows.at(-1);
  const next_cursor =
    found.length > per_page && last !== undefined
      ? cursors.seal({
          key: keys.map(({ property }) => keyText(model, last, property.name)),
          fixed: { known, applied: known },
        })
      : null;
  return { rows, pagination: cursorPagination(per_page, next_cursor) };
};

/** The cursor of a query, or the id in its old parameter. */
const readCursor = (
  { cursor, after }: Query,
  cursors: Cursors,
  keys: readonly SortKey[],
): (Omit<CursorContent, 'fixed'> & { readonly fixed: Partial<Record<string, string>> }) | null => {
  if (cursor !== undefined) return cursors.open(String(cursor));
  if (after === undefined || after === '') return null;
  if (keys.length === 1) return { key: [String(after)], fixed: {} };
  throw invalidParameter('after', 'not_allowed', 'after goes with the order of ids alone: use cursor.');
};

/** The value of a property in a row, as text that SQL can parse. */
const keyText = <Deps extends EngineDeps>(
  { fields }: ResourceModel<Deps>,
  { id, references, state, created_at }: Stored,
  name: string,
): string | null => {
  const key = id[name] ?? references[name];
  if (key !== undefined) return key;
  const { fact, column } = fields.find((field) => field.name === name)!;
  const value = fact === 'created_at' ? created_at : fact === null ? state.columns[column!] : state[fact];
  return value === null || value === undefined ? null : String(value);
};

/** The instants of a query; by default the last stated state. */
export const instantsOf = async <Deps extends EngineDeps>(
  deps: Deps,
  model: ResourceModel<Deps>,
  query: Query,
): Promise<AsOf> => {
  const now = latest(model, instantOf(deps.clock.now()));
  if (query.known === undefined && query.applied === undefined) return now;
  const known = await readKnown(deps, query);
  return { applied: known, known, ...appliedOf(query) };
};

const appliedOf = ({ applied }: Query): { readonly applied?: string } =>
  applied === undefined ? {} : { applied: String(applied) };

const conditionsOf =
  <Deps extends EngineDeps>(model: ResourceModel<Deps>, { query, place }: ListInput) =>
  (parameters: Parameters): string[] => [
    ...confinement(model, place).map(([sql, key]) => `${sql} = ${parameters.add(key, 'text')}`),
    ...filterConditions(propertiesOf(model, model.resource.filters ?? []), query, parameters),
    ...hiddenConditions(model, query, parameters),
  ];

/** Leaves out resources that have ended, unless the query filters by the field that ends them. */
const hiddenConditions = <Deps extends EngineDeps>(
  { resource: { end }, fields }: ResourceModel<Deps>,
  query: Query,
  parameters: Parameters,
): string[] => {
  if (end === undefined) return [];
  const marks = fields.filter(({ column }) => column !== null && Object.hasOwn(end.columns, column));
  const is_filtered = Object.keys(query).some((name) => marks.some((mark) => name.split('[')[0] === mark.name));
  if (is_filtered || marks.length === 0) return [];
  const ended = marks.map(({ sql, column, type }) => `${sql} = ${parameters.add(String(end.columns[column!]), type!)}`);
  return [`(${ended.join(' and ')}) is not true`];
};
