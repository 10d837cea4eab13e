import { createKeyUses } from '../audit/key-uses.ts';
import type { RecordEvent } from '../audit/record-event.ts';
import { instantOf, systemClock } from '../core/clock.ts';
import { createIds } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { StartupError } from '../core/startup-error.ts';
import { checkMasterKeys, readNeededMasterKeys } from '../keys/check-master-keys.ts';
import type { Keyring } from '../keys/contract.ts';
import { createDataKeyStore } from '../keys/data-keys.ts';
import { createFileKms, type FileKms } from '../keys/file-kms.ts';
import { createKeyring } from '../keys/keyring.ts';
import { type Kms, KmsError } from '../keys/kms.ts';
import { createKmsSet } from '../keys/kms-set.ts';
import { createVaultTransitKms } from '../keys/vault-transit-kms.ts';
import type { Sql } from '../postgres/connect.ts';
import type { Config } from './config.ts';
import { dataPaths } from './paths.ts';

/** The keys of one process. */
export interface OpenKeys {
  readonly keyring: Keyring;
  /** For wrapped keys in their own tables. */
  readonly kms: Kms;
  /** Overwrites the keys in memory, and writes the remaining counts of their uses to the audit log. */
  close(): Promise<void>;
}

/**
 * The keyring of a process, with the settings that all processes share. The supervisor has created the master key.
 * @param sql a pool; a caller that seals within a transaction needs one with a spare connection
 * @param record records the uses of keys
 * @throws StartupError if a master key that the database needs is missing
 */
export const openKeyring = async (config: Config, sql: Sql, log: Log, record: RecordEvent): Promise<OpenKeys> => {
  const kms = await prepareMasterKeys(config, sql, log);
  const uses = createKeyUses({ record, log, actor: String(log.bindings().name ?? 'onevault') });
  const keyring = createKeyring({
    kms,
    store: createDataKeyStore(sql, () => instantOf(systemClock.now())),
    clock: systemClock,
    nextId: createIds(systemClock),
    observe: uses.observe,
  });
  return {
    keyring,
    kms,
    close: async () => {
      keyring.close();
      await uses.close();
    },
  };
};

/**
 * Creates the first master key if none is configured and no value is sealed yet, and checks that every master key that
 * the database needs exists. A caller waits for an unreachable service.
 * @throws StartupError that names the missing keys, or the fault of the file or the service
 */
export const prepareMasterKeys = async (config: Config, sql: Sql, log: Log): Promise<Kms> => {
  const path = dataPaths(config.data_dir).master_keys;
  const file = createFileKms({
    path,
    given_keys: config.keys.master_keys.map((key) => Buffer.from(key, 'hex')),
    clock: systemClock,
  });
  const kms = config.keys.kms === null ? file : createKmsSet(createVaultTransitKms(config.keys.kms), file);
  try {
    if (config.keys.kms === null) await ensureMasterKey(file, sql, log, path);
    const { missing, at_hand } = await checkMasterKeys(sql, kms);
    if (missing.length > 0)
      throw missingKeys(
        missing,
        at_hand.map(({ master_key_id }) => master_key_id),
        path,
      );
  } catch (error) {
    if (!(error instanceof KmsError)) throw error;
    if (!error.is_temporary) throw new StartupError(error.message, { cause: error });
    log.warn(
      { reason: error.message },
      'the master keys are out of reach: nothing new is unsealed until they are back',
    );
  }
  return kms;
};

const ensureMasterKey = async (file: FileKms, sql: Sql, log: Log, path: string): Promise<void> => {
  // A new file would hide that the file of this database is missing.
  if ((await file.list()).length > 0 || (await readNeededMasterKeys(sql)).length > 0) return;
  if (!file.createMasterKey()) return;
  log.warn(
    { path },
    'a master key was made, and lies in this file only: keep a copy of it apart from those of the database. ' +
      'Without it nothing that is sealed can be opened again. ONEVAULT_MASTER_KEY or ONEVAULT_KMS_URL keep it elsewhere.',
  );
};

const missingKeys = (missing: readonly string[], at_hand: readonly string[], path: string): StartupError =>
  new StartupError(
    `The database holds keys that are wrapped under ${missing.join(', ')}, and ` +
      `${at_hand.length === 0 ? 'no master key is at hand' : `only ${at_hand.join(', ')} is at hand`}. ` +
      `Put back the file ${path} that belongs to this database, or set ONEVAULT_MASTER_KEY or ONEVAULT_KMS_URL as they were when it was last used.`,
  );
