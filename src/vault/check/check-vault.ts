import { changes } from './changes.ts';
import { type Check, type CheckContext, NAMED_FAULTS, type Outcome, outcomeOf, type Unit } from './check.ts';
import { declarations } from './declarations.ts';
import { definitions } from './definitions.ts';
import { destruction } from './destruction.ts';
import { ghosts } from './ghosts.ts';
import { hashes } from './hashes.ts';
import { logged } from './logged.ts';
import { orphans } from './orphans.ts';
import { partitions } from './partitions.ts';
import { sequences } from './sequences.ts';
import { uniqueness } from './uniqueness.ts';

/** Every check, in the order in which they run. */
export const CHECKS: readonly Check[] = [
  declarations,
  definitions,
  partitions,
  ghosts,
  uniqueness,
  orphans,
  sequences,
  destruction,
  changes,
  logged,
  hashes,
];

export interface CheckResult extends Outcome {
  readonly check: string;
  readonly counted: string;
}

export interface Progress {
  readonly check: string;
  readonly label: string;
  /** From 0 to 1. */
  readonly done: number;
}

/** Number of concurrent statements; each may take a core. */
export const UNITS_AT_ONCE = 2;

/**
 * Tests every guarantee of the vault, with one statement for each table, partition or part of one; memory holds only
 * counts and the first faulty rows. Beside writers it judges the rows that each statement saw: a row that arrives before
 * its parent counts as an orphan until the parent arrives.
 */
export const checkVault = async (
  context: CheckContext,
  onProgress: (progress: Progress) => void = () => {},
): Promise<CheckResult[]> => {
  const planned = [];
  for (const check of CHECKS) planned.push({ check, units: await check.units(context) });
  const total = planned.flatMap(({ units }) => units).reduce((sum, { weight }) => sum + weight, 0);
  let done = 0;
  const results: CheckResult[] = [];
  for (const { check, units } of planned) {
    const outcome = await runUnits(context, units, (unit, is_over) => {
      if (is_over) done += unit.weight;
      onProgress({ check: check.name, label: unit.label, done: total === 0 ? 1 : done / total });
    });
    results.push({ check: check.name, counted: check.counted, ...outcome });
  }
  return results;
};

const runUnits = async (
  { sql }: CheckContext,
  units: readonly Unit[],
  onUnit: (unit: Unit, is_over: boolean) => void,
): Promise<Outcome> => {
  let [checked, faults, next] = [0, 0, 0];
  const first: string[] = [];
  const work = async (): Promise<void> => {
    for (let unit = units[next++]; unit !== undefined; unit = units[next++]) {
      onUnit(unit, false);
      const outcome = await runUnit(sql, unit);
      checked += outcome.checked;
      faults += outcome.faults;
      first.push(...outcome.first.slice(0, NAMED_FAULTS * 4 - first.length));
      onUnit(unit, true);
    }
  };
  await Promise.all(Array.from({ length: UNITS_AT_ONCE }, work));
  return { checked, faults, first };
};

/** Missing tables and columns, and pages that PostgreSQL cannot read, are faults of the vault, not of the check. */
const runUnit = async (sql: CheckContext['sql'], unit: Unit): Promise<Outcome> => {
  try {
    return await unit.run(sql);
  } catch (error) {
    if (!/^(42|XX)/.test(String((error as { code?: unknown }).code ?? ''))) throw error;
    return outcomeOf(0, [`${unit.label} cannot be checked: ${(error as Error).message}`]);
  }
};
