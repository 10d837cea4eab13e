import type { Entity } from './entity.ts';
import { arrayLiteral } from './literal.ts';
import type { VaultRow } from './rows.ts';
import type { Transaction } from './transaction.ts';

/** Row that exists under the key of a given row: none, an equal one, or a different one. */
export type ExistingRow = 'nothing' | 'same' | 'other';

/**
 * Compares rows of a partitioned table, in their order, with the existing rows under their primary keys (load_date and
 * hash key). Keys of hubs and links cover all their content.
 */
export const findExistingRows = async (
  tx: Transaction,
  { name, hash_key, kind }: Entity,
  rows: readonly VaultRow[],
): Promise<ExistingRow[]> => {
  const values = rows.map((row) => row.values);
  const found = await tx.unsafe<{ place: number; hash_diff: string | null }[]>(
    `select given.place::integer as place, ${kind === 'satellite' ? 't.hash_diff' : 'null'} as hash_diff
     from unnest($1::text::timestamptz[], $2::text::bytea[]) with ordinality as given (load_date, key, place)
     join ${name} t on t.load_date = given.load_date and t.${hash_key} = given.key
     where t.load_date between
       (select min(load_date) from unnest($1::text::timestamptz[]) as load_date)
       and (select max(load_date) from unnest($1::text::timestamptz[]) as load_date)`,
    [
      arrayLiteral({ name: 'load_date', type: 'instant' }, values),
      arrayLiteral({ name: hash_key, type: 'bytes' }, values),
    ],
    { prepare: true },
  );
  const existing: ExistingRow[] = rows.map(() => 'nothing');
  for (const { place, hash_diff } of found) {
    const is_same = hash_diff === null || hash_diff === values[place - 1]!.hash_diff;
    existing[place - 1] = is_same ? 'same' : 'other';
  }
  return existing;
};
