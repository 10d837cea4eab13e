/**
 * Input of a run: for each journal writer all calls up to a sequence, at a logical instant, as known at an instant.
 * Together these name an exact set of calls. Instants alone would not, because a call is loaded after it was recorded.
 */
export interface Watermark {
  readonly writers: Readonly<Record<string, number>>;
  readonly known: string;
  readonly at: string;
}

/** A watermark as stored in job_run_s; null if the run had read nothing. */
export const watermarkOf = (json: unknown): Watermark | null => {
  const { writers, known, at } = (json ?? {}) as Partial<Watermark>;
  if (writers === undefined || known === undefined || at === undefined) return null;
  return { writers, known, at };
};
