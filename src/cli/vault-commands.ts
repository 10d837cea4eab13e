import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Config } from '../server/config.ts';
import { PROJECT } from '../server/paths.ts';
import { type CheckResult, checkVault, UNITS_AT_ONCE } from '../vault/check/check-vault.ts';
import { vaultPage } from '../vault/docs/page.ts';
import { loadRegistry } from '../vault/registry.ts';
import { runCommand } from './command.ts';
import { withCommandEvent } from './command-events.ts';
import { createProgress } from './progress.ts';

const CHECK_EVENT = { action: 'vault.check', subject_kind: 'vault' } as const;

/** `onevault vault check`: tests every guarantee of the vault. With a fault the exit code is 1. */
export const checkCommand = (config: Config): Promise<void> => {
  const options = { name: 'vault check', max_connections: UNITS_AT_ONCE, statement_timeout_ms: 0 };
  return runCommand(config, options, async (command) => {
    const bar = createProgress();
    // The findings are shown even if a damaged vault takes no event any more.
    const check = async (): Promise<CheckResult[]> => {
      const found = await checkVault(command, ({ check, label, done }) => bar.show(done, `${check}: ${label}`));
      bar.clear();
      console.log(resultText(found));
      return found;
    };
    const results = await withCommandEvent(command, CHECK_EVENT, check, (found) => ({
      after: { faults: found.reduce((sum, { faults }) => sum + faults, 0) },
    }));
    if (results.some(({ faults }) => faults > 0)) process.exitCode = 1;
  });
};

/** One line for each check, then the first faults of each. */
export const resultText = (results: readonly CheckResult[]): string => {
  const number = new Intl.NumberFormat('en').format;
  const counts = results.map(({ checked, counted }) => `${number(checked)} ${counted}`);
  const width = Math.max(...counts.map(({ length }) => length));
  const lines = results.map(
    ({ check, faults }, at) =>
      `${check.padEnd(13)} ${counts[at]!.padEnd(width)}  ${faults === 0 ? 'sound' : `${number(faults)} FAULTS`}`,
  );
  const named = results
    .filter(({ faults }) => faults > 0)
    .flatMap(({ check, faults, first }) => [
      '',
      `${check}: ${number(faults)} ${faults === 1 ? 'fault' : 'faults'}${first.length < faults ? `, the first ${first.length}` : ''}`,
      ...first.map((fault) => `  ${fault}`),
    ]);
  return [...lines, ...named].join('\n');
};

/** `onevault vault docs`: writes the data dictionary as one page. It needs no database. */
export const docsCommand = async (out: string): Promise<void> => {
  const folder = resolve(out);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'index.html');
  writeFileSync(path, await vaultPage(loadRegistry(PROJECT.entities)));
  console.log(path);
};
