import type { StrategyName } from './load-strategies.ts';
import { type Program, startProgram } from './program.ts';

/** Request to load the present content of the journal. */
export interface DrainRequest {
  readonly database_url: string;
  readonly journal_path: string;
  readonly strategy: StrategyName;
}

export interface DrainFigures {
  readonly records: number;
  readonly duration_s: number;
  /** Processor time of the loading process, without PostgreSQL's. */
  readonly cpu_s: number;
  /** Duration of each transaction. */
  readonly batches_ms: readonly number[];
}

/** A process that loads. Its first request determines the journal, the database and the strategy. */
export const startLoadProgram = (): Program<DrainRequest, DrainFigures> =>
  startProgram(new URL('load-program.ts', import.meta.url));
