import type { Clock } from '../../core/clock.ts';
import { findStanding } from '../../vault/existing-rows.ts';
import { microInstant } from '../../vault/instant.ts';
import { type JournalFamily, journalFamily } from '../../vault/journal-family.ts';
import { RIVAL } from '../../vault/key-conflicts.ts';
import type { Load } from '../../vault/load.ts';
import { insertRefusals, type Refusal, refusal } from '../../vault/load-error.ts';
import type { Registry } from '../../vault/registry.ts';
import type { VaultRow } from '../../vault/rows.ts';
import type { Transaction } from '../../vault/transaction.ts';

export interface LoadWithConflictsDeps {
  readonly load: Load;
  readonly registry: Registry;
  readonly clock: Clock;
}

/** The rows of one record: one of the family's satellite, and what belongs to it. */
export type RecordRows = readonly VaultRow[];

/**
 * Takes in records around those of which another record stands already. A record goes in whole or not at all: of a
 * rival that left single rows behind, the call that stands would seem to have been changed after it was logged. What a
 * rival says beyond what stands goes to ops.load_error. The caller sees to it that nobody else writes calls meanwhile.
 * @param records at most one a sequence, in the order of their sequences
 */
export const loadWithConflicts = async (
  { load, registry, clock }: LoadWithConflictsDeps,
  tx: Transaction,
  records: readonly RecordRows[],
): Promise<void> => {
  const family = journalFamily(registry);
  if (family === null) throw new RangeError('no satellite names the journal record that it is of');
  const { sound, rivals } = await partRivals(tx, family, records);
  await load(tx, sound.flat());
  await insertRefusals(tx, await refusalsOf(tx, registry, rivals.flat()), clock.now());
};

const partRivals = async (
  tx: Transaction,
  { satellite, hub }: JournalFamily,
  records: readonly RecordRows[],
): Promise<{ sound: RecordRows[]; rivals: RecordRows[] }> => {
  const said = records.map((rows) => rows.find(({ table }) => table === satellite.table)!);
  const standing = await findStanding(tx, satellite, said);
  const taken = new Set<string>();
  const [sound, rivals]: [RecordRows[], RecordRows[]] = [[], []];
  for (const [place, rows] of records.entries()) {
    const { load_date, [hub.hash_key]: hash_key } = said[place]!.values;
    const key = `${microInstant(String(load_date))} ${String(hash_key)}`;
    const is_rival = standing[place] === 'other' || taken.has(key);
    taken.add(key);
    (is_rival ? rivals : sound).push(rows);
  }
  return { sound, rivals };
};

const refusalsOf = async (tx: Transaction, registry: Registry, rows: readonly VaultRow[]): Promise<Refusal[]> => {
  const refusals: Refusal[] = [];
  for (const [table, given] of Map.groupBy(rows, (row) => row.table)) {
    const standing = await findStanding(tx, registry.entities.get(table)!, given);
    const beyond = given.filter((_, place) => standing[place] !== 'same');
    refusals.push(...beyond.map((row) => refusal(row, RIVAL)));
  }
  return refusals;
};
