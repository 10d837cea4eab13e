import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import type { PostgresUser } from './postgres-user.ts';

/** Result of a PostgreSQL program. `code` is its exit status, or the system's error code if it did not start. */
export interface ProgramResult {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

// initdb takes under a second here; a minute leaves room for a slow disk.
const PROGRAM_TIMEOUT_MS = 60_000;

/**
 * Options of every PostgreSQL process: its user, a working folder that this user can enter, and an environment
 * without our secrets, in which messages are English.
 */
export const spawnOptions = (program: string, user: PostgresUser | null) => ({
  cwd: dirname(program),
  env: { LC_ALL: 'C', TZ: 'UTC' },
  ...user,
});

/** Runs a PostgreSQL program to its end as `user` (null: our own user). Never rejects. */
export const runProgram = (
  program: string,
  args: readonly string[],
  user: PostgresUser | null,
): Promise<ProgramResult> =>
  new Promise((resolve) => {
    const options = { ...spawnOptions(program, user), timeout: PROGRAM_TIMEOUT_MS };
    execFile(program, args, options, (error, stdout, stderr) => {
      resolve({
        code: error === null ? 0 : (error.code ?? 'killed'),
        stdout,
        stderr: stderr || (error?.message ?? ''),
      });
    });
  });
