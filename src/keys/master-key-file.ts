import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { KEY_BYTES } from './aead.ts';
import { KmsError } from './kms.ts';
import { masterKeyId, parseMasterKey } from './master-key.ts';

/** A master key in clear: whoever holds one overwrites it after use. */
export interface LocalKey {
  readonly master_key_id: string;
  readonly key: Buffer;
  readonly created_at: string | null;
}

interface FileContent {
  readonly version: 1;
  /** Newest first; each 32 bytes in base64. */
  readonly keys: readonly { master_key_id: string; created_at: string; key: string }[];
}

/** A new master key. @param created_at ISO 8601 */
export const makeLocalKey = (created_at: string): LocalKey => {
  const key = randomBytes(KEY_BYTES);
  return { master_key_id: masterKeyId(key), key, created_at };
};

/**
 * The master keys of a file, newest first; none where there is no file.
 * @throws KmsError when it cannot be read, others may read it, or it is not what we write
 */
export const readKeyFile = (path: string): LocalKey[] => {
  if (!existsSync(path)) return [];
  // Once more, for a file that is replaced in between is overwritten.
  const keys = readOnce(path) ?? readOnce(path);
  if (keys === null) {
    throw new KmsError(
      `The file of master keys ${path} is damaged: put back the copy that was kept of it. Without it, what is sealed stays sealed.`,
    );
  }
  return keys;
};

const readOnce = (path: string): LocalKey[] | null => {
  let text: string;
  try {
    refuseOpenFile(path);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof KmsError) throw error;
    throw new KmsError(`The file of master keys ${path} cannot be read: ${(error as Error).message}.`);
  }
  return parseFile(text);
};

const refuseOpenFile = (path: string): void => {
  // Windows knows no such bits.
  if (process.platform === 'win32') return;
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  throw new KmsError(
    `The file of master keys ${path} is open to other users (mode ${mode.toString(8)}): close it with "chmod 600", and make new keys with "onevault keys rotate" if somebody may have read it.`,
  );
};

/** No word of what stands there gets into an error: a damaged key is nearly the key. */
const parseFile = (text: string): LocalKey[] | null => {
  let content: FileContent;
  try {
    content = JSON.parse(text) as FileContent;
  } catch {
    return null;
  }
  if (content?.version !== 1 || !Array.isArray(content.keys) || content.keys.length === 0) return null;
  const keys = content.keys.map((entry): LocalKey | null => {
    const key = typeof entry?.key === 'string' ? parseMasterKey(entry.key) : null;
    if (key === null || masterKeyId(key) !== entry.master_key_id) return null;
    return { key, master_key_id: entry.master_key_id, created_at: String(entry.created_at) };
  });
  return keys.every((key) => key !== null) ? keys : null;
};

/**
 * Writes a file of master keys where there is none, whole or not at all, on disk when this returns.
 * @returns false when another process was first
 */
export const createKeyFile = (path: string, keys: readonly LocalKey[]): boolean => {
  const draft = writeDraft(path, keys);
  try {
    linkSync(draft, path);
    syncFolder(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cannotWrite(path, error);
  } finally {
    rmSync(draft, { force: true });
  }
};

/**
 * Puts these keys in the place of those in the file, whole or not at all, on disk when this returns; no key, no file.
 * What stood there is overwritten, as far as the disk writes in place.
 */
export const replaceKeyFile = (path: string, keys: readonly LocalKey[]): void => {
  const draft = keys.length === 0 ? null : writeDraft(path, keys);
  try {
    const old = existsSync(path) ? openSync(path, 'r+') : null;
    try {
      if (draft === null) rmSync(path, { force: true });
      else renameSync(draft, path);
      syncFolder(path);
      if (old !== null) overwrite(old);
    } finally {
      if (old !== null) closeSync(old);
    }
  } catch (error) {
    if (draft !== null) rmSync(draft, { force: true });
    throw cannotWrite(path, error);
  }
};

const overwrite = (file: number): void => {
  writeSync(file, Buffer.alloc(fstatSync(file).size), 0, null, 0);
  fsyncSync(file);
};

const writeDraft = (path: string, keys: readonly LocalKey[]): string => {
  const content: FileContent = {
    version: 1,
    keys: keys.map(({ master_key_id, created_at, key }) => ({
      master_key_id,
      created_at: created_at ?? '',
      key: key.toString('base64'),
    })),
  };
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    const file = openSync(draft, 'wx', 0o600);
    try {
      writeSync(file, `${JSON.stringify(content, null, 2)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    rmSync(draft, { force: true });
    throw cannotWrite(path, error);
  }
  return draft;
};

const syncFolder = (path: string): void => {
  // Windows opens no folders.
  if (process.platform === 'win32') return;
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
};

const cannotWrite = (path: string, error: unknown): KmsError =>
  new KmsError(`The file of master keys ${path} cannot be written: ${(error as Error).message}.`, {
    cause: error,
  });
