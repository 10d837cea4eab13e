import cluster, { type Worker } from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../core/log.ts';
import { StartupError } from '../core/startup-error.ts';
import type { ChildMessage, ParentMessage } from './child.ts';
import type { RoleInput, RoleName } from './role.ts';

/** A child process that runs a role, and restarts when it dies. */
export interface Child {
  readonly name: RoleName;
  /** Listening address; null for none. */
  readonly url: string | null;
  readonly pid: number;
  /** Stops it: waits at most `timeout_ms`, then kills it. */
  stop(timeout_ms: number): Promise<void>;
}

export interface ChildInput {
  readonly name: RoleName;
  /** Input for each of its starts. */
  readonly role: () => RoleInput;
  readonly log: Log;
  /** Called after its death and before its restart. */
  readonly beforeRestart?: () => Promise<void>;
}

const RESTART_DELAYS_MS = [0, 100, 1_000, 5_000];
// The start is not the cause of death of a child that ran for this time.
const STABLE_AFTER_MS = 30_000;

/**
 * Starts a role in its own process and keeps it running.
 * @throws StartupError if its first start fails
 */
export const startChild = async (input: ChildInput): Promise<Child> => {
  const { name, log } = input;
  let is_stopping = false;
  let failures = 0;
  let worker = fork(name);
  let url = await launch(worker, input.role());
  let started_ms = Date.now();

  const restart = async (): Promise<void> => {
    if (Date.now() - started_ms > STABLE_AFTER_MS) failures = 0;
    while (!is_stopping) {
      await sleep(RESTART_DELAYS_MS[Math.min(failures, RESTART_DELAYS_MS.length - 1)]);
      failures += 1;
      if (is_stopping) return;
      try {
        await input.beforeRestart?.();
        worker = fork(name);
        started_ms = Date.now();
        const port = url === null ? 0 : Number(new URL(url).port);
        url = await launch(worker, { ...input.role(), port });
        watch();
        return;
      } catch (err) {
        log.error({ err, role: name }, 'a role cannot be started again; it is tried once more');
      }
    }
  };
  const watch = (): void => {
    worker.once('exit', (code, signal) => {
      if (is_stopping) return;
      log.error({ role: name, code, signal }, 'a role died and is started again');
      void restart();
    });
  };
  watch();
  return {
    name,
    get url() {
      return url;
    },
    get pid() {
      return worker.process.pid!;
    },
    stop: async (timeout_ms) => {
      is_stopping = true;
      await stopWorker(worker, timeout_ms, log);
    },
  };
};

// Streams outlive the young generation, and V8 would let hundreds of megabytes of ended ones gather before it looks
// for them. Twice what lives is the middle: at 1.4 times, collecting more often trebles the p99 of first tokens.
const HEAP_FLAG = '--heap-growing-percent=100';
// Warm-up decides by a hundred objects whether V8 puts all later ones of an object literal into its old generation. There
// they keep the headers and bodies of ended calls alive: ten times the surviving bytes, a third more CPU time a call.
const PRETENURING_FLAG = '--no-allocation-site-pretenuring';
const SERVE_FLAGS = [HEAP_FLAG, PRETENURING_FLAG];

const fork = (name: RoleName): Worker => {
  const execArgv = [...process.execArgv, ...(name === 'serve' ? SERVE_FLAGS : [])];
  cluster.setupPrimary({ exec: process.argv[1]!, args: ['child', name], execArgv });
  return cluster.fork();
};

/** Resolves with the address once the role is ready. */
const launch = (worker: Worker, role: RoleInput): Promise<string | null> =>
  new Promise((resolve, reject) => {
    worker.on('message', (message: ChildMessage) => {
      if (message.kind === 'ready') resolve(message.url);
      else if (message.is_ours) reject(new StartupError(message.message));
      else reject(new Error(message.message));
    });
    worker.once('exit', (code, signal) => reject(new Error(`the process ended: ${signal ?? `code ${code}`}`)));
    worker.send({ kind: 'start', input: role } satisfies ParentMessage);
  });

const stopWorker = async (worker: Worker, timeout_ms: number, log: Log): Promise<void> => {
  if (worker.isDead()) return;
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const bound = new AbortController();
  const cut = sleep(timeout_ms, undefined, { signal: bound.signal }).then(
    () => {
      log.error({ pid: worker.process.pid, timeout_ms }, 'a role did not end in time and is killed');
      worker.process.kill('SIGKILL');
    },
    () => {},
  );
  if (worker.isConnected()) worker.send({ kind: 'stop' } satisfies ParentMessage);
  await ended;
  bound.abort();
  await cut;
};
