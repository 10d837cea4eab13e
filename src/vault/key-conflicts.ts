import type { Column, Entity } from './entity.ts';
import { arrayLiteral, columnFromUnnest, parameterOf, type Writable } from './literal.ts';
import type { Transaction } from './transaction.ts';

/** The reason of a key conflict in ops.load_error. */
export const KEY_CONFLICT = 'another row stands under its key and says something else';

/**
 * Rows that were not inserted because a different row exists under their key. Call it after the insert, in its
 * transaction, if fewer rows were inserted than given. States and sets have no conflicts: their keys include their
 * content.
 * @returns the conflicting rows among `rows`
 */
export const findKeyConflicts = async <T extends Writable>(
  tx: Transaction,
  entity: Entity,
  rows: readonly T[],
): Promise<T[]> => {
  const content = contentColumns(entity);
  if (content.length === 0) return [];
  const key = entity.columns.filter(({ name }) => entity.primary_key.includes(name));
  const columns = [...key, ...content];
  const names = columns.map(({ name }) => name);
  const found = await tx.unsafe<{ place: number }[]>(
    `select given.place::integer as place
     from (
       select ${columns.map(columnFromUnnest).join(', ')}, place
       from unnest(${columns.map((column, at) => parameterOf(column, at + 1)).join(', ')})
         with ordinality as elements (${names.join(', ')}, place)) as given
     cross join lateral (
       select ${content.map(({ name }) => name).join(', ')}
       from ${entity.name} s
       where ${key.map(({ name }) => `s.${name} = given.${name}`).join(' and ')}
       limit 1) as existing
     where (${content.map(comparable('given')).join(', ')}) is distinct from (${content.map(comparable('existing')).join(', ')})`,
    columns.map((column) => arrayLiteral(column, rows)),
    { prepare: true },
  );
  return found.map(({ place }) => rows[place - 1]!);
};

/** The columns beyond the primary key that can differ in a conflicting row. */
const contentColumns = (entity: Entity): Column[] => {
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

// Keys are normalised before the hash: canonically equivalent texts are one key, not a conflict.
const comparable =
  (side: string) =>
  ({ name, type }: Column): string =>
    type === 'text' ? `normalize(${side}.${name}, nfc)` : `${side}.${name}`;
