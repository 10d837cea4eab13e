import {
  createVerifier,
  type Options,
  type Report,
  readAgainst,
  readKey,
  reportText,
} from '../../verifier/onevault-verify.mjs';
import type { VerifierKey } from '../audit/note.ts';
import { createReadLeaves } from '../audit/read-leaves.ts';
import { verifyVault } from '../audit/verify-vault.ts';
import { instantOf, systemClock } from '../core/clock.ts';
import { InputError } from '../core/input-error.ts';
import type { Config } from '../server/config.ts';
import { dataPaths } from '../server/paths.ts';
import { readWitnesses } from '../server/witnesses.ts';
import { verifyBundleFile } from './audit-bundle.ts';
import { readGiven, readPublished, readPublishedKeys } from './audit-sources.ts';
import { type CommandDeps, runCommand } from './command.ts';
import { withCommandEvent } from './command-events.ts';
import { createProgress } from './progress.ts';

export interface VerifyOptions {
  readonly bundle?: string;
  readonly key?: readonly string[];
  readonly checkpoints?: string;
  readonly against?: readonly string[];
}

const EVENT = { action: 'audit.verify', subject_kind: 'audit_log' } as const;

/**
 * `onevault audit verify`: verifies the vault against its log, or a bundle without a database. With a fault the exit
 * code is 1.
 */
export const verifyCommand = async (readConfig: () => Config, options: VerifyOptions): Promise<void> => {
  const keys = (options.key ?? []).map(checkedKey);
  await (options.bundle === undefined
    ? verifyLive(readConfig(), options, keys)
    : verifyFile(options.bundle, options, keys));
};

/** @throws InputError for an invalid verifier key */
const checkedKey = (text: string): string => {
  try {
    return readKey(text).text;
  } catch (error) {
    throw new InputError(`--key: ${(error as Error).message}`);
  }
};

const verifyFile = async (bundle: string, options: VerifyOptions, keys: string[]): Promise<void> => {
  if (keys.length === 0) {
    throw new InputError('--key: a bundle is verified with the public key of its log, which must come from elsewhere');
  }
  const against = await givenCheckpoints(options);
  show(await readGiven(bundle, () => verifyBundleFile(bundle, { keys, against })));
};

const verifyLive = (config: Config, options: VerifyOptions, keys: string[]): Promise<void> => {
  const connections = { max_connections: 2, statement_timeout_ms: 0 };
  return runCommand(config, { name: 'audit verify', ...connections }, async (command) => {
    await verifyAndShow(command, options, keys);
  });
};

/** Prints the report on the vault, also where a damaged vault takes no event any more. @returns the number of faults */
export const verifyAndShow = async (
  command: CommandDeps,
  options: VerifyOptions,
  keys: readonly string[] = [],
): Promise<number> => {
  const against = [
    ...(await givenCheckpoints(options)),
    ...(await readPublished(options.checkpoints ?? dataPaths(command.config.data_dir).checkpoints)),
  ];
  const trusted = keys.length > 0 ? [...keys] : await readPublishedKeys(command.sql);
  const witnesses = readWitnesses(command.config);
  const verify = async (): Promise<Report> => {
    const report = await reportOnVault(command, { keys: trusted, against, witnesses });
    show(report);
    return report;
  };
  const report = await withCommandEvent(command, EVENT, verify, ({ fault_count }) => ({
    after: { faults: fault_count },
  }));
  return report.fault_count;
};

const show = (report: Report): void => {
  console.log(reportText(report));
  if (report.fault_count > 0) process.exitCode = 1;
};

/** The whole vault against its log, with a bar on a terminal. */
const reportOnVault = async (
  { sql, registry }: CommandDeps,
  { witnesses, ...options }: Pick<Options, 'keys' | 'against'> & { witnesses: readonly VerifierKey[] },
): Promise<Report> => {
  const verifier = createVerifier({ ...options, is_live: true });
  const progress = createProgress();
  const deps = { registry, readLeaves: createReadLeaves(registry) };
  await verifyVault(sql, deps, verifier, {
    made_at: instantOf(systemClock.now()),
    witnesses,
    onProgress: (leaves, of) => progress.show(leaves / of, `leaf ${leaves} of ${of}`),
  });
  progress.clear();
  return verifier.finish();
};

const givenCheckpoints = async ({ against = [] }: VerifyOptions) =>
  (await Promise.all(against.map((path) => readGiven(path, () => readAgainst(path))))).flat();
