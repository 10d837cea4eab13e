import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StartupError } from '../core/startup-error.ts';

// The two files that patches/postgres+3.4.9.patch changes, with the patch applied.
const PATCHED_SHA256 = {
  'connection.js': 'f728cb39734bbe1b9f8fab4070e9a6dbc2c581ce8df313790b0c4724e39ec3be',
  'index.js': 'f94cadb1247aa763983267f796045760654dfb64eb8297eb6c3d8df0311835dc',
} as const;

/**
 * Refuses a PostgreSQL driver without our patch: there a lost connection can block statements, and COPY waits for
 * delayed acknowledgements.
 * @param folder its sources; by default those that `connect` imports
 * @throws StartupError that names the command that applies the patch
 */
export const checkDriver = (folder = dirname(fileURLToPath(import.meta.resolve('postgres')))): void => {
  for (const [file, expected] of Object.entries(PATCHED_SHA256)) {
    if (sha256Of(join(folder, file)) === expected) continue;
    throw new StartupError(
      `The PostgreSQL driver is not patched as this version needs (${join(folder, file)} is missing or differs). ` +
        `Run "npm ci" in ${projectOf(folder)}.`,
    );
  }
};

/** Null for a file that cannot be read. */
const sha256Of = (path: string): string | null => {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    return null;
  }
};

/** The folder whose node_modules holds the driver: the checkout, or the project that installed this package. */
const projectOf = (folder: string): string => /^(.*?)[\\/]node_modules[\\/]/.exec(folder)?.[1] ?? folder;
