import type { StrategyName } from './load-strategies.ts';
import { type Program, startProgram } from './program.ts';

/** Asks for all that is in the journal now to be loaded. */
export interface DrainQuestion {
  readonly database_url: string;
  readonly journal_path: string;
  readonly strategy: StrategyName;
}

export interface DrainFigures {
  readonly records: number;
  readonly duration_s: number;
  /** Processor time of the loading process; PostgreSQL's comes on top. */
  readonly cpu_s: number;
  /** How long each transaction took. */
  readonly batches_ms: readonly number[];
}

/** A process that loads. Its first question decides what it loads, and how. */
export const startLoadProgram = (): Program<DrainQuestion, DrainFigures> =>
  startProgram(new URL('load-program.ts', import.meta.url));
