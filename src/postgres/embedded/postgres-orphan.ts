import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../core/log.ts';
import { StartupError } from '../../core/startup-error.ts';
import { clusterName } from './postgres-settings.ts';

// A fast shutdown writes a checkpoint, which takes seconds after many writes.
const FAST_SHUTDOWN_TIMEOUT_MS = 30_000;
const IMMEDIATE_SHUTDOWN_TIMEOUT_MS = 5_000;
const POLL_MS = 20;

/**
 * Stops the server that a killed process left running on a cluster, if there is one. The caller holds the cluster's
 * lock, so no living process of ours uses it. PostgreSQL itself handles a stale postmaster.pid, except if its process
 * id now belongs to another program, which PostgreSQL cannot distinguish from a server.
 * @throws StartupError if the server does not stop
 */
export const stopOrphan = async (folder: string, log: Log): Promise<void> => {
  const pid_file = join(folder, 'postmaster.pid');
  const [pid_line, folder_line] = readText(pid_file).split('\n');
  const pid = Number(pid_line);
  if (!Number.isSafeInteger(pid) || pid <= 1) return;
  if (isServerOf(folder, pid)) {
    log.warn({ pid, folder }, 'stopping the PostgreSQL that a killed process left running');
    await stopServer(folder, pid);
    return;
  }
  // After a move of the folder its processes have another name; then PostgreSQL handles the file.
  if (folder_line === folder && isAlive(pid) && !hasServerProcess(folder)) rmSync(pid_file, { force: true });
};

const stopServer = async (folder: string, pid: number): Promise<void> => {
  const isGone = () => !isServerOf(folder, pid);
  for (const [signal, timeout_ms] of [
    ['SIGINT', FAST_SHUTDOWN_TIMEOUT_MS],
    ['SIGQUIT', IMMEDIATE_SHUTDOWN_TIMEOUT_MS],
  ] as const) {
    if (isGone()) return;
    process.kill(pid, signal);
    for (let waited_ms = 0; waited_ms < timeout_ms; waited_ms += POLL_MS) {
      await sleep(POLL_MS);
      if (isGone()) return;
    }
  }
  throw new StartupError(`The PostgreSQL server ${pid} of ${folder} does not stop: end it yourself (kill ${pid}).`);
};

/** True if the command line of the process names it as a process of the cluster's server. */
const isServerOf = (folder: string, pid: number): boolean => commandLine(pid).includes(clusterName(folder));

/** True if any process of the cluster's server lives. Some may outlive a killed server for a while. */
const hasServerProcess = (folder: string): boolean =>
  existsSync('/proc/self/cmdline') &&
  readdirSync('/proc').some((name) => /^\d+$/.test(name) && isServerOf(folder, Number(name)));

/** The command line; empty for a process that has ended, also before its parent has read its status. */
const commandLine = (pid: number): string => {
  if (existsSync('/proc/self/cmdline')) return readText(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
  if (process.platform === 'win32') return '';
  try {
    return execFileSync('/bin/ps', ['-ww', '-o', 'command=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
  } catch {
    return '';
  }
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};
