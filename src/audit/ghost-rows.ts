import { type ColumnType, type Entity, GHOST_KEY } from '../vault/entity.ts';
import type { Registry } from '../vault/registry.ts';
import type { Transaction } from '../vault/transaction.ts';

/** Values of a ghost record's columns that are not nullable; the others are null. */
const VALUES: Readonly<Record<ColumnType, string>> = {
  text: `'unknown'`,
  uuid: `uuid '00000000-0000-0000-0000-000000000000'`,
  integer: '0',
  bigint: '0',
  decimal: '0',
  boolean: 'false',
  instant: `timestamptz '1900-01-01 00:00:00+00'`,
  date: `date '1900-01-01'`,
  bytes: `decode('${GHOST_KEY}', 'hex')`,
  json: `jsonb '{}'`,
  'text[]': `'{}'::text[]`,
};

/** SQL that is true for a table's ghost record: it is in no log, and is the same in every vault. */
export const isGhost = ({ kind, columns }: Entity, alias: string): string => {
  if (kind === 'link') return 'false';
  const conditions = columns.map(({ name, type, is_nullable }) => {
    if (name === 'record_source') return `${alias}.${name} = 'ghost'`;
    return is_nullable ? `${alias}.${name} is null` : `${alias}.${name} = ${VALUES[type]}`;
  });
  return `(${conditions.join(' and ')})`;
};

/** The tables whose ghost record is gone or is not what it was. */
export const tablesWithoutGhost = async (tx: Transaction, registry: Registry): Promise<string[]> => {
  const parts = [...registry.entities.values()]
    .filter(({ kind }) => kind !== 'link')
    .map(
      (entity) => `
        select '${entity.table}' as name
        where not exists (
          select
          from ${entity.name} t
          where t.load_date = ${VALUES.instant}
            and t.${entity.hash_key} = ${VALUES.bytes}
            and ${isGhost(entity, 't')})`,
    );
  const rows = await tx.unsafe<{ name: string }[]>(parts.join(' union all '));
  return rows.map(({ name }) => name);
};
