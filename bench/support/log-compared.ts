import type { DrainFigures } from './drain.ts';
import type { StrategyName } from './load-strategies.ts';
import { percentile, rounded } from './percentile.ts';

/** Loads calls one way, in a process of its own after a warm-up. */
export type LoadCalls = (strategy: StrategyName, calls: number) => Promise<DrainFigures>;

// Other work on the machine comes and goes: the two take turns, each of them first every other time.
const LOG_ROUNDS = 10;

type Way = 'product' | 'unlogged';

/** What the audit log costs: the same loader with it and without it, in turns, `calls` each in all. */
export const compareWithLog = async (load: LoadCalls, calls: number): Promise<object> => {
  const share = Math.ceil(calls / LOG_ROUNDS);
  const figures: Record<Way, DrainFigures[]> = { product: [], unlogged: [] };
  for (let round = 0; round < LOG_ROUNDS; round += 1) {
    const order: readonly Way[] = round % 2 === 0 ? ['unlogged', 'product'] : ['product', 'unlogged'];
    for (const way of order) figures[way].push(await load(way, share));
  }
  const median = (of: (round: number) => number): number =>
    percentile(Float64Array.from(figures.product.keys(), of).sort(), 50);
  const speed = (way: Way, round: number): number => share / figures[way][round]!.duration_s;
  const cpu_us = (way: Way, round: number): number => (figures[way][round]!.cpu_s * 1e6) / share;
  return {
    calls: share * LOG_ROUNDS,
    calls_per_s: rounded(
      median((round) => speed('product', round)),
      0,
    ),
    calls_per_s_without: rounded(
      median((round) => speed('unlogged', round)),
      0,
    ),
    times_without: rounded(
      median((round) => speed('product', round) / speed('unlogged', round)),
      3,
    ),
    loader_cpu_us_a_call: rounded(
      median((round) => cpu_us('product', round)),
      1,
    ),
    loader_cpu_us_a_call_without: rounded(
      median((round) => cpu_us('unlogged', round)),
      1,
    ),
  };
};
