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

/** A master key in plaintext. Its user must overwrite it after use. */
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
 * The master keys of a file, newest first; empty if the file does not exist.
 * @throws KmsError if the file cannot be read, other users may read it, or its content is not valid
 */
export const readKeyFile = (path: string): LocalKey[] => {
  if (!existsSync(path)) return [];
  // A second read, because a file that another process replaces meanwhile is overwritten.
  const keys = readOnce(path) ?? readOnce(path);
  if (keys === null) {
    throw new KmsError(
      `The file of master keys ${path} is damaged: restore it from its backup. Without it, sealed values cannot be opened.`,
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
  // Windows has no such mode bits.
  if (process.platform === 'win32') return;
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  throw new KmsError(
    `The file of master keys ${path} is open to other users (mode ${mode.toString(8)}): close it with "chmod 600", and create new keys with "onevault keys rotate" if somebody may have read it.`,
  );
};

/** Errors never contain text of the file, because a damaged key is almost the key. */
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
 * Writes a new file of master keys as a whole or not at all. The file is on disk when this returns.
 * @returns false if another process was faster
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
 * Replaces the keys of the file as a whole or not at all, on disk when this returns. Without keys the file is removed.
 * The old content is overwritten, as far as the disk writes in place.
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
  // Windows cannot open folders.
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
