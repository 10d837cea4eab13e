import type { Definitions } from './read-definitions.ts';
import type { Changes } from './recorded.ts';

/** A definition that is not what it was. */
export interface Difference {
  readonly name: string;
  /** Its hash; null if it is missing. */
  readonly before: string | null;
  readonly after: string | null;
}

// Days come and go, so partitions may lack a definition that earlier ones had; they may not have another one.
const isOfPartitions = (name: string): boolean => name.endsWith('/partitions');
const isWithin = (after: string, before: string): boolean =>
  new Set(after.split(' ')).isSubsetOf(new Set(before.split(' ')));

/** Every difference from one state to another, in the order of their names. */
export const differencesBetween = (before: Definitions, after: Definitions): Difference[] =>
  [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((name) => {
    const difference = { name, before: before.get(name) ?? null, after: after.get(name) ?? null };
    if (difference.before === difference.after) return [];
    if (!isOfPartitions(name) || difference.before === null) return [difference];
    return difference.after === null || isWithin(difference.after, difference.before) ? [] : [difference];
  });

/** The two sides of differences, as an audit event states them. */
export const changesOf = (differences: readonly Difference[], side: 'before' | 'after'): Changes =>
  Object.fromEntries(differences.map((difference) => [difference.name, difference[side]]));

/** A difference as a fault, for people. */
export const faultOf = ({ name, before, after }: Difference): string => {
  if (before === null) return `${name} was added: no migration of the product made it`;
  return after === null
    ? `${name} is gone: a migration of the product made it`
    : `${name} was changed since a migration of the product made it`;
};
