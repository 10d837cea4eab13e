/** A benchmark. Every file of bench/ that main.ts lists exports one. */
export interface Bench {
  readonly description: string;
  /** Defaults and descriptions of the options. All values are integers. */
  readonly options: Readonly<Record<string, BenchOption>>;
  /**
   * Measures.
   * @param options values by option
   * @returns the figures with their conditions; `is_complete: false` if some of the work failed
   */
  run(options: Readonly<Record<string, number>>): Promise<Figures>;
}

export interface BenchOption {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly meaning: string;
}

export interface Figures extends Readonly<Record<string, unknown>> {
  readonly is_complete: boolean;
}

/** Reports the progress on standard error, because standard output is for the figures. */
export const progress = (text: string): void => console.error(`  ${text}`);
