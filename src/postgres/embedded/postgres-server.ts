import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../core/log.ts';
import { logLine } from './log-line.ts';
import type { PostgresCluster } from './postgres-cluster.ts';
import { spawnOptions } from './postgres-process.ts';
import { clusterName, EMBEDDED_SETTINGS, type PostgresSettings } from './postgres-settings.ts';

/** A server process that accepts, or accepted, connections. */
export interface ServerProcess {
  /** Resolves with the last output when the process has ended. */
  readonly ended: Promise<string>;
  /** Fast shutdown: closes all connections, writes a checkpoint, resolves when the process has ended. */
  stop(): Promise<void>;
}

/** Reason why a server did not start. */
export type LaunchFault = 'port_taken' | 'still_in_use' | 'disk_full' | 'other';

export class LaunchError extends Error {
  readonly fault: LaunchFault;
  constructor(fault: LaunchFault, output: string) {
    super(output);
    this.name = 'LaunchError';
    this.fault = fault;
  }
}

export interface LaunchInput {
  readonly program: string;
  readonly cluster: PostgresCluster;
  readonly port: number;
  readonly settings: PostgresSettings;
  readonly log: Log;
}

// Recovery after a crash replays up to max_wal_size, which takes minutes on a slow disk.
const READY_TIMEOUT_MS = 300_000;
const FAST_SHUTDOWN_TIMEOUT_MS = 60_000;
const IMMEDIATE_SHUTDOWN_TIMEOUT_MS = 10_000;
const LAST_LINES_TIMEOUT_MS = 200;
const KEPT_LINES = 20;
const READY = 'database system is ready to accept connections';

/**
 * Starts a server on a cluster and resolves when it accepts connections.
 * @throws LaunchError if it ends instead, with its last lines as the message
 */
export const launchServer = async (input: LaunchInput): Promise<ServerProcess> => {
  const { program, cluster, port, log } = input;
  const settings = {
    ...EMBEDDED_SETTINGS,
    cluster_name: clusterName(cluster.folder),
    ...input.settings,
    port: `${port}`,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(program, ['-D', cluster.folder, ...args], {
    ...spawnOptions(program, cluster.user),
    // Ctrl-C signals every process of the terminal's group, but the server must outlive our own orderly shutdown.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // An exit without `stop`, as after an uncaught error, also ends the server.
  const abandon = () => child.kill('SIGINT');
  process.once('exit', abandon);
  const lines: string[] = [];
  const { promise: ready, resolve: markReady } = Promise.withResolvers<boolean>();
  const output = createInterface({ input: child.stderr });
  output.on('line', (line) => {
    lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
    if (line.includes(READY)) markReady(true);
    logLine(log, line);
  });
  const silent = new Promise((resolve) => output.once('close', resolve));
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', async () => {
      process.off('exit', abandon);
      // Processes of a killed server may live on and keep its output open.
      await Promise.race([silent, sleep(LAST_LINES_TIMEOUT_MS)]);
      resolve(lines.join('\n'));
    });
  });

  const timeout = new AbortController();
  const started = await Promise.race([
    ready,
    ended.then(() => false),
    sleep(READY_TIMEOUT_MS, false, { signal: timeout.signal }).catch(() => false),
  ]);
  timeout.abort();
  const server = { ended, stop: () => stopChild(child, ended) };
  if (started) return server;
  await server.stop();
  const output_text = await ended;
  throw new LaunchError(faultOf(output_text), output_text);
};

const stopChild = async (child: ChildProcess, ended: Promise<string>): Promise<void> => {
  for (const [signal, timeout_ms] of [
    ['SIGINT', FAST_SHUTDOWN_TIMEOUT_MS],
    ['SIGQUIT', IMMEDIATE_SHUTDOWN_TIMEOUT_MS],
    ['SIGKILL', IMMEDIATE_SHUTDOWN_TIMEOUT_MS],
  ] as const) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) break;
    child.kill(signal);
    const timeout = new AbortController();
    await Promise.race([ended, sleep(timeout_ms, null, { signal: timeout.signal }).catch(() => null)]);
    timeout.abort();
  }
  await ended;
};

const faultOf = (output: string): LaunchFault => {
  if (output.includes('Address already in use')) return 'port_taken';
  if (output.includes('still in use')) return 'still_in_use';
  if (output.includes('No space left on device')) return 'disk_full';
  return 'other';
};
