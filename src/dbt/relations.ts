import { createHash } from 'node:crypto';

/** A table or view of PostgreSQL; without a schema, the common table expression of an ephemeral model. */
export interface Relation {
  readonly schema: string | null;
  readonly identifier: string;
}

// PostgreSQL cuts longer names silently (NAMEDATALEN - 1), so two relations could become one.
const MAX_NAME_BYTES = 63;

/** A name as a quoted identifier of SQL. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** `"schema"."identifier"`. */
export const quoted = ({ schema, identifier }: Relation): string =>
  schema === null ? quoteName(identifier) : `${quoteName(schema)}.${quoteName(identifier)}`;

/** True if PostgreSQL keeps the whole name. */
export const fits = (name: string): boolean => name !== '' && Buffer.byteLength(name) <= MAX_NAME_BYTES;

/** The name that a relation has while it is built: its own with a suffix, cut with a hash when that is too long. */
export const buildName = (identifier: string): string => {
  const name = `${identifier}__build`;
  if (fits(name)) return name;
  const hash = createHash('sha256').update(identifier).digest('hex').slice(0, 12);
  return `${cutBytes(identifier, MAX_NAME_BYTES - hash.length - 9)}_${hash}__build`;
};

/** The relation by which SQL reads an ephemeral model. */
export const ephemeralRelation = (model: string): Relation => ({
  schema: null,
  identifier: `__dbt__cte__${model}`,
});

const cutBytes = (text: string, bytes: number): string => {
  let cut = text;
  while (Buffer.byteLength(cut) > bytes) cut = cut.slice(0, -1);
  return cut;
};
