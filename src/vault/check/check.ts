import type { Clock } from '../../core/clock.ts';
import type { Sql } from '../../postgres/connect.ts';
import type { Registry } from '../registry.ts';
import type { Transaction } from '../transaction.ts';

export interface CheckContext {
  /** A pool of at least `UNITS_AT_ONCE` connections whose statements may take long, or one transaction. */
  readonly sql: Sql | Transaction;
  readonly registry: Registry;
  readonly clock: Clock;
}

/** One guarantee of the vault, and its test. Each file of this folder exports one. */
export interface Check {
  readonly name: string;
  /** The counted things, as a plural. */
  readonly counted: string;
  /** The pieces of work, each with bounded memory. */
  units(context: CheckContext): Promise<Unit[]>;
}

export interface Unit {
  /** Text of the progress line. */
  readonly label: string;
  /** Share of the work, relative to the others: pages of the table. */
  readonly weight: number;
  run(sql: Sql | Transaction): Promise<Outcome>;
}

export interface Outcome {
  readonly checked: number;
  readonly faults: number;
  /** The first faulty rows, named and described. */
  readonly first: readonly string[];
}

/** Limit of faults that one piece of work names. */
export const NAMED_FAULTS = 5;

/** An outcome with all of its faults, which are few. */
export const outcomeOf = (checked: number, faults: readonly string[]): Outcome => ({
  checked,
  faults: faults.length,
  first: faults.slice(0, NAMED_FAULTS),
});

/** True if the fault lies in a value, which a smaller piece of work can locate. */
export const isDataError = (error: unknown): boolean =>
  String((error as { code?: unknown }).code ?? '').startsWith('22');
