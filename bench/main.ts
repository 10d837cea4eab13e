import { parseArgs } from 'node:util';
import * as audit from './audit.ts';
import * as detectors from './detectors.ts';
import * as gateway from './gateway.ts';
import * as hashing from './hashing.ts';
import * as hostile from './hostile.ts';
import * as load from './load.ts';
import * as streams from './streams.ts';
import type { Bench } from './support/bench.ts';
import * as tamper from './tamper.ts';

const BENCHES: Readonly<Record<string, Bench>> = { gateway, streams, hostile, load, hashing, detectors, audit, tamper };

const usage = (): string => {
  const lines = Object.entries(BENCHES).flatMap(([name, { description, options }]) => [
    `  ${name.padEnd(10)} ${description}`,
    ...Object.entries(options).map(
      ([option, { default: preset, meaning }]) => `  ${''.padEnd(10)}   --${option} N  ${meaning} (${preset})`,
    ),
  ]);
  return ['npm run bench -- NAME [--option N]', '', ...lines].join('\n');
};

/** @throws Error that names the invalid option */
const readOptions = ({ options }: Bench, args: readonly string[]): Record<string, number> => {
  const { values } = parseArgs({
    args: [...args],
    options: Object.fromEntries(Object.keys(options).map((name) => [name, { type: 'string' as const }])),
  });
  return Object.fromEntries(
    Object.entries(options).map(([name, { default: preset, min, max }]) => {
      const text = values[name];
      if (text === undefined) return [name, preset];
      const value = Number(text);
      if (!/^\d+$/.test(String(text)) || value < min || value > max) {
        throw new RangeError(`--${name} ${String(text)}: must be a whole number from ${min} to ${max}`);
      }
      return [name, value];
    }),
  );
};

const main = async ([name, ...args]: readonly string[]): Promise<number> => {
  const bench = name === undefined || !Object.hasOwn(BENCHES, name) ? undefined : BENCHES[name];
  if (bench === undefined) {
    console.error(name === undefined ? usage() : `there is no program "${name}"\n\n${usage()}`);
    return name === undefined ? 0 : 1;
  }
  let options: Record<string, number>;
  try {
    options = readOptions(bench, args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage()}`);
    return 1;
  }
  const figures = await bench.run(options);
  console.log(JSON.stringify({ bench: name, ...figures }));
  return figures.is_complete ? 0 : 1;
};

process.exitCode = await main(process.argv.slice(2));
