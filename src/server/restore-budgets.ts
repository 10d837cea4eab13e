import type { Clock } from '../core/clock.ts';
import { instantOf } from '../core/clock.ts';
import { keyScope, type Spending } from '../gateway/limits/budgets.ts';
import { listWriters, readAll } from '../journal/reader.ts';
import { type JournalRecord, parseRecord } from '../journal/record.ts';
import type { JournalStore } from '../journal/store.ts';
import { readSpending } from '../modules/usage/spending.ts';
import type { Sql } from '../postgres/connect.ts';

/**
 * Reads the amounts spent this month before this process started: those in the vault, and newer ones in the journal.
 * The journal is read first: a record that is loaded in between appears twice and is counted once, by its sequence.
 */
export const readSpentBefore = async (sql: Sql, store: JournalStore, clock: Clock): Promise<Spending[]> => {
  const month = instantOf(clock.now()).slice(0, 7);
  const journaled = listWriters(store).flatMap(({ id }) => readOutcomes(store, id));
  const { spending, key_spending, positions } = await readSpending(sql, `${month}-01T00:00:00.000Z`);
  const waiting = journaled.filter(
    ({ writer, sequence, spent }) => sequence > (positions.get(writer) ?? 0) && spent.day.startsWith(month),
  );
  return [
    ...spending.map(({ customer, ...rest }) => ({ scope: customer, ...rest })),
    ...key_spending.map(({ provider_key, ...rest }) => ({ scope: keyScope(provider_key), ...rest })),
    ...waiting.map(({ spent }) => spent),
  ];
};

interface JournaledSpending {
  readonly writer: string;
  readonly sequence: number;
  readonly spent: Spending;
}

const readOutcomes = (store: JournalStore, writer: string): JournaledSpending[] => {
  const outcomes: JournaledSpending[] = [];
  for (const { sequence, text } of readAll(store, writer)) {
    for (const spent of spendingOf(parseRecord(text))) outcomes.push({ writer, sequence, spent });
  }
  return outcomes;
};

const spendingOf = (record: JournalRecord | null): Spending[] => {
  if (record?.kind !== 'outcome') return [];
  const { customer, call, route } = record;
  const day = call.request_timestamp.slice(0, 10);
  const spent = (route?.attempts ?? []).flatMap(({ provider_key, provider_key_cost }) =>
    provider_key == null || provider_key_cost == null
      ? []
      : [{ scope: keyScope(provider_key), day, amount: BigInt(provider_key_cost) }],
  );
  if (customer === null || call.customer_cost === null) return spent;
  return [...spent, { scope: customer, day, amount: BigInt(call.customer_cost) }];
};
