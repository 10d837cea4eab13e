import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { type DrainFigures, startLoadProgram } from './drain.ts';
import { fillJournal } from './fill-journal.ts';
import { percentile, rounded } from './percentile.ts';

/** Folder and database of the two loaders. */
export interface LogBed {
  readonly folder: string;
  readonly database_url: string;
}

// Short turns, so that other work on the machine slows both equally.
const ROUND_CALLS = 2_000;
const WAYS = ['unlogged', 'product'] as const;

type Way = (typeof WAYS)[number];
type Load = (calls: number) => Promise<DrainFigures>;

/**
 * Cost of the audit log: the same loader with and without it, each in a separate process, in turns, `calls` in total
 * for each. Other work can only slow a turn, so the faster quarter of the turns is compared too.
 */
export const compareWithLog = async (bed: LogBed, calls: number): Promise<object> => {
  const rounds = Math.ceil(calls / ROUND_CALLS);
  const turns: Record<Way, DrainFigures[]> = { product: [], unlogged: [] };
  await withLoaders(bed, async (loaders) => {
    for (const way of WAYS) await loaders[way](ROUND_CALLS);
    for (let round = 0; round < rounds; round += 1) {
      for (const way of round % 2 === 0 ? WAYS : WAYS.toReversed()) {
        turns[way].push(await loaders[way](ROUND_CALLS));
      }
    }
  });
  const quantile = (way: Way, percent: number, of: (turn: DrainFigures) => number): number =>
    percentile(Float64Array.from(turns[way], of).sort(), percent);
  const speed = ({ duration_s }: DrainFigures): number => ROUND_CALLS / duration_s;
  const cpu_us = ({ cpu_s }: DrainFigures): number => (cpu_s * 1e6) / ROUND_CALLS;
  const figuresOf = (way: Way): object => ({
    calls_per_s_p50: rounded(quantile(way, 50, speed), 0),
    calls_per_s_p75: rounded(quantile(way, 75, speed), 0),
    loader_cpu_us_a_call_p50: rounded(quantile(way, 50, cpu_us), 1),
  });
  return {
    calls: rounds * ROUND_CALLS,
    with: figuresOf('product'),
    without: figuresOf('unlogged'),
    times_without_p50: rounded(quantile('product', 50, speed) / quantile('unlogged', 50, speed), 3),
    times_without_p75: rounded(quantile('product', 75, speed) / quantile('unlogged', 75, speed), 3),
  };
};

const withLoaders = async (
  { folder, database_url }: LogBed,
  work: (loaders: Readonly<Record<Way, Load>>) => Promise<void>,
): Promise<void> => {
  const programs = WAYS.map(() => startLoadProgram());
  const loaders = WAYS.map((strategy, place): [Way, Load] => {
    const journal_path = mkdtempSync(join(folder, 'journal-'));
    return [
      strategy,
      async (calls) => {
        await fillJournal(journal_path, calls);
        return programs[place]!.request({ database_url, journal_path, strategy });
      },
    ];
  });
  try {
    await work(Object.fromEntries(loaders) as Record<Way, Load>);
  } finally {
    for (const program of programs) await program.stop();
  }
};
