import { instantOf } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import { isUuid } from '../../core/ids.ts';
import type { Sql } from '../../postgres/connect.ts';
import type { Transaction } from '../../vault/transaction.ts';
import type { ResourceModel } from '../declaration/model.ts';
import type { Id } from '../declaration/resource.ts';
import type { EngineDeps } from '../engine-deps.ts';
import type { AsOf } from './select-text.ts';
import { createParameters } from './statement.ts';
import { latest, readStored, type Stored } from './stored.ts';

/** The names in a path: the parts of an id, and the parent if the resource has one. */
export interface Place {
  readonly id: Id;
  /** The business key of the parent's hub. */
  readonly parent: string | null;
  /** The customer to whose resources the caller is confined. */
  readonly confined_to: string | null;
}

type FindDeps = Pick<EngineDeps, 'sql' | 'reader' | 'clock'>;

/** One resource; null if it does not exist, or has another parent or customer. */
export const findStored = async <Deps extends EngineDeps>(
  deps: FindDeps,
  model: ResourceModel<Deps>,
  place: Place,
  { at, tx }: { readonly at?: AsOf; readonly tx?: Transaction } = {},
): Promise<Stored | null> => {
  const parts = model.id.map(({ name }) => place.id[name] ?? '');
  if (parts.some((part) => part.includes('\0')) || place.parent?.includes('\0') === true) return null;
  if (model.resource.id === 'uuid' && !isUuid(parts[0]!)) return null;
  const [found] = await readStored(deps, tx ?? (deps.sql as Sql), model, {
    at: at ?? latest(model, instantOf(deps.clock.now())),
    conditions: (parameters) => [
      ...model.id.map(({ sql }, part) => `${sql} = ${parameters.add(parts[part]!, 'text')}`),
      ...confinement(model, place).map(([sql, key]) => `${sql} = ${parameters.add(key, 'text')}`),
    ],
  });
  return found ?? null;
};

/** The SQL conditions that restrict rows to a parent and to a caller's own resources. */
export const confinement = <Deps extends EngineDeps>(
  { resource, references, id }: ResourceModel<Deps>,
  { parent, confined_to }: Omit<Place, 'id'>,
): (readonly [sql: string, key: string])[] => {
  const sqlOf = (name: string | undefined): string => [...references, ...id].find((each) => each.name === name)!.sql;
  return [
    ...(parent === null ? [] : [[sqlOf(resource.parent?.reference), parent] as const]),
    ...(confined_to === null || resource.scope === undefined ? [] : [[sqlOf(resource.scope), confined_to] as const]),
  ];
};

/** @throws OneVaultError not_found, also for a resource of another parent or customer */
export const getStored = async <Deps extends EngineDeps>(
  deps: FindDeps,
  model: ResourceModel<Deps>,
  place: Place,
  options: { readonly at?: AsOf; readonly tx?: Transaction } = {},
): Promise<Stored> => {
  const found = await findStored(deps, model, place, options);
  if (found !== null) return found;
  throw notFound(model, place);
};

export const notFound = <Deps extends EngineDeps>({ resource }: ResourceModel<Deps>, { id, parent }: Place): Error => {
  const name = Object.values(id).join('/').replaceAll('\0', '\ufffd').slice(0, 200);
  const of = parent === null ? '' : ` of ${parent.replaceAll('\0', '\ufffd').slice(0, 100)}`;
  return new OneVaultError('not_found', { details: `There is no ${resource.kind.replaceAll('_', ' ')} ${name}${of}.` });
};

/** The hash key of a hub's row. @returns null if the hub does not have it */
export const findHubKey = async (
  sql: Sql | Transaction,
  { target, key }: { readonly target: { readonly name: string; readonly hash_key: string }; readonly key: string },
  value: string,
): Promise<string | null> => {
  if (value.includes('\0')) return null;
  const parameters = createParameters();
  const [row] = await sql.unsafe<{ hash_key: string }[]>(
    `select ${target.hash_key} as hash_key
     from ${target.name}
     where ${key} = ${parameters.add(value, 'text')} and record_source <> 'ghost'`,
    parameters.values,
    { prepare: true },
  );
  return row?.hash_key ?? null;
};
