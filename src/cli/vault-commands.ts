import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InputError } from '../core/input-error.ts';
import type { Config } from '../server/config.ts';
import { PROJECT } from '../server/paths.ts';
import { recordDefinitions } from '../server/record-definitions.ts';
import { type CheckResult, checkVault, UNITS_AT_ONCE } from '../vault/check/check-vault.ts';
import { differencesBetween, faultOf } from '../vault/definitions/differences.ts';
import { type Definitions, readDefinitions } from '../vault/definitions/read-definitions.ts';
import { readRecorded } from '../vault/definitions/recorded.ts';
import { vaultPage } from '../vault/docs/page.ts';
import { loadRegistry } from '../vault/registry.ts';
import { type CommandDeps, runCommand } from './command.ts';
import { withCommandEvent } from './command-events.ts';
import { createProgress } from './progress.ts';

const CHECK_EVENT = { action: 'vault.check', subject_kind: 'vault' } as const;

/** `onevault vault check`: tests every guarantee of the vault. With a fault the exit code is 1. */
export const checkCommand = (config: Config): Promise<void> =>
  runCommand(config, { name: 'vault check', ...CHECK_CONNECTIONS }, async (command) => {
    if ((await checkAndShow(command)) > 0) process.exitCode = 1;
  });

/** As many connections as the checks work with, and time for the largest table. */
export const CHECK_CONNECTIONS = { max_connections: UNITS_AT_ONCE, statement_timeout_ms: 0 } as const;

/** Prints the findings, also if a damaged vault takes no event any more. @returns the number of faults */
export const checkAndShow = async (command: CommandDeps): Promise<number> => {
  const bar = createProgress();
  const check = async (): Promise<number> => {
    const found = await checkVault(command, ({ check, label, done }) => bar.show(done, `${check}: ${label}`));
    bar.clear();
    console.log(resultText(found));
    return found.reduce((sum, { faults }) => sum + faults, 0);
  };
  return withCommandEvent(command, CHECK_EVENT, check, (faults) => ({ after: { faults } }));
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

const HOW_TO_ACCEPT = 'Run "onevault vault definitions --accept REASON" if they are meant.';

/**
 * `onevault vault definitions`: how views, functions, triggers, rules, policies, grants and roles differ from the
 * recorded ones; the exit code is 1 if they do.
 * @param reason makes the differences the recorded state, in an audit event that states it
 */
export const definitionsCommand = (config: Config, reason: string | undefined): Promise<void> =>
  runCommand(config, { name: 'vault definitions', max_connections: 2 }, async ({ sql, actor }) => {
    if (reason?.trim() === '') throw new InputError('--accept: a reason is needed, for the audit log');
    const recorded = await readRecorded(sql);
    const found = (await sql.begin('read only', readDefinitions)) as Definitions;
    const differences = differencesBetween(recorded?.definitions ?? found, found);
    for (const difference of differences) console.log(faultOf(difference));
    if (differences.length === 0) console.log(`${found.size} definitions are as recorded.`);
    else if (reason === undefined) {
      console.log(HOW_TO_ACCEPT);
      process.exitCode = 1;
    } else {
      await recordDefinitions(sql, actor, differences, reason);
      console.log('Accepted, and recorded in the audit log.');
    }
  });
