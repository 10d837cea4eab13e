import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InputError } from '../core/input-error.ts';

type WriteText = (text: string) => Promise<void>;

const writeToTerminal: WriteText = async (text) => {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
};

/**
 * Gives `work` a function that writes text to a file or to standard output, and waits while it is full.
 * @param mode permissions of a new file
 * @throws InputError if the file cannot be opened; else the error of `work` or the disk
 */
export const withOutput = async <T>(
  path: string | undefined,
  work: (write: WriteText) => Promise<T>,
  mode = 0o666,
): Promise<T> => {
  if (path === undefined) return work(writeToTerminal);
  const file = await open(resolve(path), 'w', mode).catch((error: Error) => {
    throw new InputError(`--out: the file cannot be written: ${error.message}`);
  });
  try {
    return await work((text) => file.writeFile(text));
  } finally {
    await file.close();
  }
};
