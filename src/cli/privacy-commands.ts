import { once } from 'node:events';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { asOneVaultError, OneVaultError } from '../core/errors.ts';
import { createIds } from '../core/ids.ts';
import { InputError } from '../core/input-error.ts';
import { createLog } from '../core/log.ts';
import type { Decider, PrivacyDeps } from '../modules/privacy/deps.ts';
import { eraseSubject } from '../modules/privacy/erasures.ts';
import type { ExportFormat } from '../modules/privacy/export-renderers.ts';
import { exportSubject } from '../modules/privacy/export-subject.ts';
import { layHold, releaseHold } from '../modules/privacy/holds.ts';
import { findSubject } from '../modules/privacy/subject.ts';
import { holdsEmail } from '../modules/refuse-email.ts';
import { connect } from '../postgres/connect.ts';
import type { Config } from '../server/config.ts';
import { openDatabaseForCommand } from '../server/database.ts';
import { prepareMasterKeys } from '../server/keyring.ts';
import { PROJECT } from '../server/paths.ts';
import { createSubjectKms } from '../server/subject-kms.ts';
import { createLoader } from '../vault/load.ts';
import { createReader } from '../vault/read.ts';
import { loadRegistry, type Registry } from '../vault/registry.ts';
import { createRowBuilder } from '../vault/rows.ts';
import { commandActor, createCommandRecorder } from './command-events.ts';

const CONNECTIONS = 4;

/** `onevault privacy erase SUBJECT --reason TEXT`: erases, and prints the certificate. */
export const eraseCommand = (config: Config, subject: string, reason: string): Promise<void> =>
  withPrivacy(config, 'privacy erase', async (deps) => {
    const told = { action: 'privacy.erase', subject_kind: 'customer', subject };
    const decider = deciderOf('privacy.erase', 'customer');
    const { certificate } = await tellFailure(deps, told, () => eraseSubject(deps, { subject, reason }, decider));
    print(certificate);
  });

/** `onevault privacy hold SUBJECT --reason TEXT`: keeps a subject's data from being erased. */
export const holdCommand = (config: Config, subject: string, reason: string): Promise<void> =>
  withPrivacy(config, 'privacy hold', async (deps) => {
    const told = { action: 'privacy.hold', subject_kind: 'customer', subject };
    const decider = deciderOf('privacy.hold', 'customer');
    print((await tellFailure(deps, told, () => layHold(deps, { subject, reason }, decider))).hold);
  });

/** `onevault privacy release HOLD --reason TEXT`. */
export const releaseCommand = (config: Config, id: string, reason: string): Promise<void> =>
  withPrivacy(config, 'privacy release', async (deps) => {
    const told = { action: 'privacy.release', subject_kind: 'legal_hold', subject: id };
    const decider = deciderOf('privacy.release', 'customer');
    print(await tellFailure(deps, told, () => releaseHold(deps, { id, reason }, decider)));
  });

/**
 * `onevault privacy export SUBJECT`: everything that is held about a subject, as JSON and HTML files in the folder,
 * readable by their owner only, or as JSON on standard output.
 */
export const exportSubjectCommand = (config: Config, subject: string, out: string | undefined): Promise<void> =>
  withPrivacy(config, 'privacy export', async (deps) => {
    const told = { action: 'privacy.export', subject_kind: 'customer', subject };
    await tellFailure(deps, told, () => findSubject(deps.sql, subject));
    const record = createCommandRecorder(deps.sql, deps.registry);
    await record({ ...commandActor(), ...told, outcome: 'succeeded', customers: [subject] });
    if (out === undefined) {
      await exportSubject(deps, { subject, format: 'json' }, (text) => writeTo(process.stdout, text));
      return;
    }
    mkdirSync(resolve(out), { recursive: true, mode: 0o700 });
    for (const format of ['json', 'html'] as const) {
      console.log(await writeFile(deps, subject, format, join(resolve(out), `${subject}.${format}`)));
    }
  });

interface CommandDeps extends PrivacyDeps {
  readonly registry: Registry;
}

const writeFile = async (deps: CommandDeps, subject: string, format: ExportFormat, path: string): Promise<string> => {
  const stream = createWriteStream(path, { mode: 0o600 });
  await exportSubject(deps, { subject, format }, (text) => writeTo(stream, text));
  stream.end();
  await once(stream, 'finish');
  return path;
};

const writeTo = async (stream: NodeJS.WritableStream, text: string): Promise<void> => {
  if (!stream.write(text)) await once(stream, 'drain');
};

const print = (value: object): void => console.log(JSON.stringify(value, null, 2));

const deciderOf = (action: string, subject_kind: string): Decider => ({
  decided_by: commandActor().actor,
  event: (subject, after) => ({
    ...commandActor(),
    action,
    subject_kind,
    subject,
    outcome: 'succeeded',
    customers: [subject],
    after,
  }),
});

/** What succeeds is told together with what it writes. */
const tellFailure = async <T>(
  { sql, registry }: CommandDeps,
  told: { readonly action: string; readonly subject_kind: string; readonly subject: string },
  work: () => Promise<T>,
): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    const reason = asOneVaultError(error).code;
    const subject = holdsEmail(told.subject) ? null : told.subject;
    const event = { ...commandActor(), ...told, subject, outcome: 'failed', reason } as const;
    await createCommandRecorder(sql, registry)(event);
    throw error;
  }
};

const withPrivacy = async (config: Config, name: string, work: (deps: CommandDeps) => Promise<void>): Promise<void> => {
  const log = createLog(config.log_level, name);
  const database = await openDatabaseForCommand(config, log);
  const sql = connect(database.url, { application_name: `onevault ${name}`, max_connections: CONNECTIONS });
  try {
    const registry = loadRegistry(PROJECT.entities);
    const kms = await prepareMasterKeys(config, sql, log);
    await work({
      sql,
      registry,
      clock: systemClock,
      nextId: createIds(systemClock),
      load: createLoader({ registry, now: systemClock.now }),
      rows: createRowBuilder(registry),
      reader: createReader(registry),
      subject_kms: createSubjectKms({ kms, database_url: database.url, log }),
    });
  } catch (error) {
    if (!(error instanceof OneVaultError) || error.status >= 500) throw error;
    throw new InputError([error.message, error.details ?? ''].join(' ').trim());
  } finally {
    await sql.end({ timeout: 1 });
    await database.stop();
  }
};
