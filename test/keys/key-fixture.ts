import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import { createIds } from '../../src/core/ids.ts';
import type { SealContext } from '../../src/keys/contract.ts';
import { createFileKms, type FileKms } from '../../src/keys/file-kms.ts';
import { temporaryPath } from '../support/server.ts';

export const HERE: SealContext = { table: 'customer_pii_s', tenant: 'acme', row: 'ab12', column: 'pii' };

export const nextId = createIds(systemClock);

/** A new folder, and the path of a file of master keys in it. */
export const keyFolder = (): { folder: string; path: string } => {
  const folder = temporaryPath();
  mkdirSync(folder, { mode: 0o700 });
  return { folder, path: join(folder, 'master-keys.json') };
};

/** The service with a first master key in its file, or with the given keys. */
export const fileKms = (path: string, given_keys: readonly Uint8Array[] = []): FileKms => {
  const kms = createFileKms({ path, given_keys, clock: systemClock });
  kms.createMasterKey();
  return kms;
};
