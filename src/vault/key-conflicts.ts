import type { Column, Entity } from './entity.ts';
import { arrayLiteral, columnFromUnnest, parameterOf, type Writable } from './literal.ts';
import type { Transaction } from './transaction.ts';

/** Why ops.load_error holds a rival. */
export const RIVAL = 'another row stands under its key and says something else';

/**
 * Rows that were not inserted because another row stands under their key that says something else. To be asked after
 * the insert, in its transaction, when fewer rows went in than were given. States and sets have no rivals: what they
 * say is a part of their key.
 * @returns the rivals among `rows`
 */
export const findRivals = async <T extends Writable>(
  tx: Transaction,
  entity: Entity,
  rows: readonly T[],
): Promise<T[]> => {
  const told = toldColumns(entity);
  if (told.length === 0) return [];
  const key = entity.columns.filter(({ name }) => entity.primary_key.includes(name));
  const columns = [...key, ...told];
  const names = columns.map(({ name }) => name);
  const found = await tx.unsafe<{ place: number }[]>(
    `select given.place::integer as place
     from (
       select ${columns.map(columnFromUnnest).join(', ')}, place
       from unnest(${columns.map((column, at) => parameterOf(column, at + 1)).join(', ')})
         with ordinality as elements (${names.join(', ')}, place)) as given
     cross join lateral (
       select ${told.map(({ name }) => name).join(', ')}
       from ${entity.name} s
       where ${key.map(({ name }) => `s.${name} = given.${name}`).join(' and ')}
       limit 1) as stands
     where (${told.map(comparable('given')).join(', ')}) is distinct from (${told.map(comparable('stands')).join(', ')})`,
    columns.map((column) => arrayLiteral(column, rows)),
    { prepare: true },
  );
  return found.map(({ place }) => rows[place - 1]!);
};

/** What a row tells beyond its primary key, as far as a rival may tell it otherwise. */
const toldColumns = (entity: Entity): Column[] => {
  const named = (...names: string[]) => entity.columns.filter(({ name }) => names.includes(name));
  switch (entity.kind) {
    case 'hub':
      return [...entity.business_key];
    case 'link':
      return [
        ...named(...entity.hubs.map(({ column }) => column)),
        ...(entity.dependent_key === null ? [] : [entity.dependent_key]),
      ];
    case 'satellite':
      return entity.flavour === 'event' ? named('applied_date', 'hash_diff') : [];
  }
};

// Keys are hashed normalised: canonically equivalent texts are one key, and no rivals.
const comparable =
  (side: string) =>
  ({ name, type }: Column): string =>
    type === 'text' ? `normalize(${side}.${name}, nfc)` : `${side}.${name}`;
