import type { Sql } from '../postgres/connect.ts';
import type { Transaction } from '../vault/transaction.ts';
import type { ChangePart, LeafPart } from './leaf-parts.ts';

/**
 * Descriptions of leaves whose rows are missing, by index: the journal's record, or the keys in the change feed.
 * @param isGone true if the row of the leaf at an index is missing
 */
export const describeGone = async (
  sql: Sql | Transaction,
  parts: readonly LeafPart[],
  isGone: (index: number) => boolean,
): Promise<Map<number, string>> => {
  const gone = new Map<number, string>();
  const changed: GoneChange[] = [];
  for (const part of parts) {
    for (let offset = 0; offset < part.take; offset += 1) {
      const index = part.first_index + offset;
      if (!isGone(index)) continue;
      if (part.origin === 'journal') {
        gone.set(index, `the call of journal writer ${part.writer}, record ${part.sequences[offset]}`);
      } else if (part.table_name === null) {
        gone.set(index, `a row of change ${part.change_id}, which is gone itself`);
      } else {
        changed.push({ index, part, place: part.skip + offset + 1 });
      }
    }
  }
  for (const { index, text } of await readKeys(sql, changed)) gone.set(index, text);
  return gone;
};

interface GoneChange {
  readonly index: number;
  readonly part: ChangePart;
  /** Of the row in the arrays of its change, from 1 on. */
  readonly place: number;
}

const readKeys = async (
  sql: Sql | Transaction,
  changed: readonly GoneChange[],
): Promise<readonly { index: number; text: string }[]> => {
  if (changed.length === 0) return [];
  return sql<{ index: number; text: string }[]>`
    select wanted.index, concat_ws(' ', c.table_name, encode(c.hash_keys[wanted.place], 'hex'),
      'applied_date=' || c.applied_dates[wanted.place]::text, 'load_date=' || c.load_dates[wanted.place]::text,
      'hash_diff=' || encode(c.hash_diffs[wanted.place], 'hex'), c.others[wanted.place]) as text
    from unnest(
      ${changed.map(({ index }) => index)}::bigint[],
      ${changed.map(({ part }) => part.change_id)}::bigint[],
      ${changed.map(({ place }) => place)}::integer[]) as wanted (index, change_id, place)
    join ops.load_change c using (change_id)`;
};
