import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { asOneVaultError, OneVaultError } from '../core/errors.ts';
import { InputError } from '../core/input-error.ts';
import type { Decider, PrivacyDeps } from '../modules/privacy/deps.ts';
import { eraseSubject } from '../modules/privacy/erasures.ts';
import { exportSubject } from '../modules/privacy/export-subject.ts';
import { type HoldDecision, layHold, releaseHold } from '../modules/privacy/holds.ts';
import { findSubject } from '../modules/privacy/subject.ts';
import type { EngineDeps } from '../resources/engine-deps.ts';
import { holdsEmail } from '../resources/writing/refuse-email.ts';
import type { Config } from '../server/config.ts';
import { prepareMasterKeys } from '../server/open-keyring.ts';
import { createSubjectKms } from '../server/open-subject-kms.ts';
import { type CommandDeps, runCommand } from './command.ts';
import { withFailureEvent } from './command-events.ts';
import { withOutput } from './output.ts';

const CONNECTIONS = 4;
// Mode of files with personal data.
const OWNER_ONLY = 0o600;

/** `onevault privacy erase SUBJECT --reason TEXT`: erases, and prints the certificate. */
export const eraseCommand = (config: Config, subject: string, reason: string): Promise<void> =>
  withPrivacy(config, 'privacy erase', async (deps) => {
    const event = { action: 'privacy.erase', subject_kind: 'customer', subject };
    const decider = deciderOf(deps, 'privacy.erase');
    const { certificate } = await orRecordFailure(deps, event, () => eraseSubject(deps, { subject, reason }, decider));
    print(certificate);
  });

/** `onevault privacy hold SUBJECT --reason TEXT`: keeps a subject's data from being erased. */
export const holdCommand = (config: Config, subject: string, reason: string): Promise<void> =>
  withPrivacy(config, 'privacy hold', async (deps) => {
    const event = { action: 'privacy.hold', subject_kind: 'customer', subject };
    const decision = holdDecision(deps, 'privacy.hold');
    print(await orRecordFailure(deps, event, () => layHold(deps, { subject, reason }, decision)));
  });

/** `onevault privacy release HOLD --reason TEXT`. */
export const releaseCommand = (config: Config, id: string, reason: string): Promise<void> =>
  withPrivacy(config, 'privacy release', async (deps) => {
    const event = { action: 'privacy.release', subject_kind: 'legal_hold', subject: id };
    const decision = holdDecision(deps, 'privacy.release');
    print(await orRecordFailure(deps, event, () => releaseHold(deps, { id, reason }, decision)));
  });

/**
 * `onevault privacy export SUBJECT`: all stored data of a subject, as JSON and HTML files in the folder,
 * readable by their owner only, or as JSON on standard output.
 */
export const exportSubjectCommand = (config: Config, subject: string, out: string | undefined): Promise<void> =>
  withPrivacy(config, 'privacy export', async (deps) => {
    const event = { action: 'privacy.export', subject_kind: 'customer', subject };
    await orRecordFailure(deps, event, () => findSubject(deps.sql, subject));
    await deps.record({ ...deps.actor, ...event, outcome: 'succeeded', customers: [subject] });
    if (out === undefined) {
      await withOutput(undefined, (write) => exportSubject(deps, { subject, format: 'json' }, write));
      return;
    }
    mkdirSync(resolve(out), { recursive: true, mode: 0o700 });
    for (const format of ['json', 'html'] as const) {
      const path = join(resolve(out), `${subject}.${format}`);
      await withOutput(path, (write) => exportSubject(deps, { subject, format }, write), OWNER_ONLY);
      console.log(path);
    }
  });

interface PrivacyCommand extends CommandDeps, PrivacyDeps, EngineDeps {}

const print = (value: object): void => console.log(JSON.stringify(value, null, 2));

const deciderOf = ({ actor }: CommandDeps, action: string): Decider => ({
  decided_by: actor.actor,
  event: (subject, after) => ({
    ...actor,
    action,
    subject_kind: 'customer',
    subject,
    outcome: 'succeeded',
    customers: [subject],
    after,
  }),
});

const holdDecision = (deps: CommandDeps, action: string): HoldDecision => ({
  actor: deps.actor.actor,
  event: (subject) => deciderOf(deps, action).event(subject, {}),
});

interface PrivacyEvent {
  readonly action: string;
  readonly subject_kind: string;
  readonly subject: string;
}

/** A success is recorded together with its rows. */
const orRecordFailure = <T>(command: CommandDeps, event: PrivacyEvent, work: () => Promise<T>): Promise<T> => {
  const subject = holdsEmail(event.subject) ? null : event.subject;
  return withFailureEvent(command, { ...event, subject }, work, (error) => asOneVaultError(error).code);
};

const withPrivacy = (config: Config, name: string, work: (deps: PrivacyCommand) => Promise<void>): Promise<void> =>
  runCommand(config, { name, max_connections: CONNECTIONS }, async (command) => {
    const { sql, log, database_url } = command;
    try {
      const kms = await prepareMasterKeys(config, sql, log);
      await work({
        ...command,
        refreshSnapshot: async () => {},
        subject_kms: createSubjectKms({ kms, database_url, log }),
      });
    } catch (error) {
      if (!(error instanceof OneVaultError) || error.status >= 500) throw error;
      throw new InputError([error.message, error.details ?? ''].join(' ').trim());
    }
  });
