import type { Clock } from '../core/clock.ts';
import { InputError } from '../core/input-error.ts';
import type { Sql } from '../postgres/connect.ts';
import { isVaultInstant } from './row-schema.ts';
import { sealKnown } from './seal-known.ts';
import type { Transaction } from './transaction.ts';

/**
 * A checked `known`; by default the newest final instant.
 * @throws InputError if it is not an instant or not final yet
 */
export const chooseKnown = async (sql: Sql, clock: Clock, known: string | undefined): Promise<string> => {
  if (known !== undefined && !isVaultInstant(known)) {
    throw new InputError(`--known ${known}: not an instant; write it as 2026-11-21T10:05:00Z`);
  }
  const sealed = await sealKnown(sql, clock);
  if (known === undefined) return sealed;
  if (Date.parse(known) > Date.parse(sealed)) {
    throw new InputError(`--known ${known}: lies in the future; what is final now is known at ${sealed}`);
  }
  return known;
};

/** By journal writer, the greatest sequence loaded at `known`. */
export const cutOffAt = async (sql: Sql | Transaction, known: string): Promise<Record<string, number>> => {
  const rows = await sql<{ writer: string; last_sequence: number }[]>`
    with recursive writer as (
      (select b.writer from ops.journal_batch b order by b.writer limit 1)
      union all
      select (select b.writer from ops.journal_batch b where b.writer > w.writer order by b.writer limit 1)
      from writer w
      where w.writer is not null
    )
    select w.writer, p.last_sequence
    from writer w
    cross join lateral (
      select b.last_sequence
      from ops.journal_batch b
      where b.writer = w.writer
        and b.loaded_at <= ${known}::text::timestamptz
      order by b.first_sequence desc
      limit 1) p
    order by w.writer`;
  return Object.fromEntries(rows.map((row) => [row.writer, row.last_sequence]));
};
