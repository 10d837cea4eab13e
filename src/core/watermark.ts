/**
 * What a run had read: of each journal writer all calls up to a sequence, at a logical instant, as known at an instant.
 * Together these name an exact set of calls, which instants alone would not: a call is loaded after it was recorded.
 */
export interface Watermark {
  readonly writers: Readonly<Record<string, number>>;
  readonly known: string;
  readonly at: string;
}

/** A watermark as it stands in job_run_s; null when the run had read nothing. */
export const watermarkOf = (json: unknown): Watermark | null => {
  const { writers, known, at } = (json ?? {}) as Partial<Watermark>;
  if (writers === undefined || known === undefined || at === undefined) return null;
  return { writers, known, at };
};
