/** A program that measures; every file of bench/ that main.ts lists exports one. */
export interface Bench {
  readonly description: string;
  /** By option: its default and what it means. All are whole numbers. */
  readonly options: Readonly<Record<string, BenchOption>>;
  /**
   * Measures.
   * @param options by option, its value
   * @returns the figures with their conditions; `is_complete: false` says that the work was not all done
   */
  run(options: Readonly<Record<string, number>>): Promise<Figures>;
}

export interface BenchOption {
  readonly default: number;
  readonly least: number;
  readonly most: number;
  readonly meaning: string;
}

export interface Figures extends Readonly<Record<string, unknown>> {
  readonly is_complete: boolean;
}

/** Tells on standard error what is being done: standard output is for the figures. */
export const progress = (text: string): void => console.error(`  ${text}`);
