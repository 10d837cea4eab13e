import type { Clock } from '../../core/clock.ts';
import { findExistingRows } from '../../vault/existing-rows.ts';
import { microInstant } from '../../vault/instant.ts';
import { type JournalFamily, journalFamily } from '../../vault/journal-family.ts';
import { KEY_CONFLICT } from '../../vault/key-conflicts.ts';
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

/** The rows of one record: its row in the family's satellite and the rows that belong to it. */
export type RecordRows = readonly VaultRow[];

/**
 * Loads records that may conflict with existing records. A record is loaded as a whole or not at all: single rows of a
 * conflicting record would make the existing call look changed after it was logged. The rows of a conflict that differ
 * from existing rows go to ops.load_error. The caller excludes all other writers of calls meanwhile.
 * @param records at most one a sequence, in the order of their sequences
 */
export const loadWithConflicts = async (
  { load, registry, clock }: LoadWithConflictsDeps,
  tx: Transaction,
  records: readonly RecordRows[],
): Promise<void> => {
  const family = journalFamily(registry);
  if (family === null) throw new RangeError('no satellite names its journal record: mark one with x-vault');
  const { sound, conflicts } = await separateConflicts(tx, family, records);
  await load(tx, sound.flat());
  await insertRefusals(tx, await refusalsOf(tx, registry, conflicts.flat()), clock.now());
};

const separateConflicts = async (
  tx: Transaction,
  { satellite, hub }: JournalFamily,
  records: readonly RecordRows[],
): Promise<{ sound: RecordRows[]; conflicts: RecordRows[] }> => {
  const satellite_rows = records.map((rows) => rows.find(({ table }) => table === satellite.table)!);
  const existing = await findExistingRows(tx, satellite, satellite_rows);
  const taken = new Set<string>();
  const [sound, conflicts]: [RecordRows[], RecordRows[]] = [[], []];
  for (const [place, rows] of records.entries()) {
    const { load_date, [hub.hash_key]: hash_key } = satellite_rows[place]!.values;
    const key = `${microInstant(String(load_date))} ${String(hash_key)}`;
    const is_conflict = existing[place] === 'other' || taken.has(key);
    taken.add(key);
    (is_conflict ? conflicts : sound).push(rows);
  }
  return { sound, conflicts };
};

const refusalsOf = async (tx: Transaction, registry: Registry, rows: readonly VaultRow[]): Promise<Refusal[]> => {
  const refusals: Refusal[] = [];
  for (const [table, given] of Map.groupBy(rows, (row) => row.table)) {
    const existing = await findExistingRows(tx, registry.entities.get(table)!, given);
    const different = given.filter((_, place) => existing[place] !== 'same');
    refusals.push(...different.map((row) => refusal(row, KEY_CONFLICT)));
  }
  return refusals;
};
