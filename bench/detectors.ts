import { detectFlags } from '../src/gateway/guardrails/detectors.ts';
import { type BenchOption, type Figures, progress } from './support/bench.ts';
import { rounded } from './support/percentile.ts';

export const description = 'MB/s of the compliance detectors, for texts that are made to cost time';

export const options = {
  megabytes: { default: 8, min: 1, max: 256, meaning: 'size of each text' },
  rounds: { default: 5, min: 1, max: 100, meaning: 'runs of each text, the fastest of them counts' },
} as const satisfies Record<string, BenchOption>;

type Options = Readonly<Record<keyof typeof options, number>>;

const MB = 1_000_000;
// The end makes every detector search the whole text.
const END = '@ 12';
const PIECES: Readonly<Record<string, string>> = {
  prose: 'The meeting on the 12th begins at half past nine in the room next to the kitchen. ',
  one_number: '1',
  digits: '1 ',
  ibans: 'DE11 ',
  long_ibans: `DE11${' A'.repeat(30)} `,
  addresses: 'a@',
  record_numbers: 'medical record no. 1234 ',
  identifiers: 'NPI 1234567890 ',
  security_numbers: '123-45-0000 ',
  cyrillic: 'я12 ',
};

/** Measures each text on its own. Figures are megabytes (10^6 characters) a second of one thread. */
export const run = (given: Readonly<Record<string, number>>): Promise<Figures> => {
  const { megabytes, rounds } = given as Options;
  const speeds = Object.entries(PIECES).map(([name, piece]) => {
    const text = Buffer.from(piece.repeat((megabytes * MB) / piece.length) + END).toString();
    let fastest_ms = Number.POSITIVE_INFINITY;
    for (let round = 0; round < rounds; round += 1) {
      const started_ms = performance.now();
      detectFlags(text);
      fastest_ms = Math.min(fastest_ms, performance.now() - started_ms);
    }
    const speed = rounded((text.length / MB / fastest_ms) * 1_000, 0);
    progress(`${name}: ${speed} MB/s`);
    return [name, speed] as const;
  });
  return Promise.resolve({
    is_complete: true,
    megabytes,
    rounds,
    mb_per_s: Object.fromEntries(speeds),
  });
};
