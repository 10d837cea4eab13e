import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect, type Sql } from '../../src/postgres/connect.ts';
import { temporaryPath } from '../support/server.ts';

/** The product as its user starts it: `node bin/onevault.mjs start`, in processes of its own. */
export interface ProductProcess {
  readonly data_dir: string;
  readonly pid: number;
  readonly url: string;
  readonly api_key: string;
  readonly admin_key: string;
  readonly database_url: string;
  /** The output so far. */
  stdout(): string;
  log(): string;
  /** Every process of its tree, itself first. */
  processes(): Process[];
  /** The processes of its tree whose command line holds the text; there is at least one. */
  pidOf(text: string): number;
  /** Sends the signal to the first process alone and waits for its end. */
  stop(signal: NodeJS.Signals): Promise<Ended>;
  /** Kills every process of the tree at once, as a power cut would. */
  killTree(): Promise<void>;
}

export interface Process {
  readonly pid: number;
  readonly command: string;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

type Environment = Readonly<Record<string, string>>;

const MAIN = fileURLToPath(new URL('../../bin/onevault.mjs', import.meta.url));
const READY = 'Ctrl-C stops it.';
const START_TIMEOUT_MS = 180_000;

/** A data directory's path for one test file, and what removes it with the processes that a test left in it. */
export const createProducts = () => {
  const started: ProductProcess[] = [];
  const folders: string[] = [];
  return {
    folder(): string {
      const path = temporaryPath();
      folders.push(path);
      return path;
    },
    async start(data_dir: string, environment: Environment = {}): Promise<ProductProcess> {
      const product = await startProcess(data_dir, environment);
      started.push(product);
      return product;
    },
    async cleanUp(): Promise<void> {
      for (const product of started) await product.killTree();
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    },
  };
};

export interface Output extends Ended {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line to its end, with nothing of this process's environment that configures it. */
export const runCommand = async (args: readonly string[], environment: Environment): Promise<Output> => {
  const child = spawnMain(args, environment);
  const { stdout, stderr } = collect(child);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout: stdout(), stderr: stderr() };
};

/** A command that runs, to be killed. */
export interface RunningCommand {
  readonly hasEnded: () => boolean;
  /** Sends the signal and waits for the end, which may have come before it. */
  readonly kill: (signal: NodeJS.Signals) => Promise<Ended>;
}

export const startCommand = (args: readonly string[], environment: Environment): RunningCommand => {
  const child = spawnMain(args, environment);
  collect(child);
  const ended = once(child, 'close').then(([code, signal]): Ended => ({ code, signal }));
  return {
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    kill: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
};

/** Tries until the answer is not undefined. */
export const eventually = async <T>(
  what: string,
  attempt: () => Promise<T | undefined> | T | undefined,
  timeout_ms = 120_000,
): Promise<T> => {
  const deadline_ms = Date.now() + timeout_ms;
  for (;;) {
    const found = await attempt();
    if (found !== undefined) return found;
    assert.ok(Date.now() < deadline_ms, `${what}: not within ${timeout_ms} ms`);
    await sleep(20);
  }
};

/** Runs statements in the product's own database. */
export const inDatabase = async <T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> => {
  const sql = connect(url, { max_connections: 1, application_name: 'test' });
  return work(sql).finally(() => sql.end({ timeout: 1 }));
};

export const isRunning = (pid: number): boolean => {
  try {
    return !execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('Z');
  } catch {
    return false;
  }
};

const spawnMain = (args: readonly string[], environment: Environment): ChildProcess =>
  spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

const collect = (child: ChildProcess): { stdout: () => string; stderr: () => string } => {
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', (piece: string) => {
      text[name] += piece;
    });
  }
  return { stdout: () => text.stdout, stderr: () => text.stderr };
};

const startProcess = async (data_dir: string, environment: Environment): Promise<ProductProcess> => {
  const child = spawnMain(['start'], { PORT: '0', ONEVAULT_DATA_DIR: data_dir, ...environment });
  const { stdout, stderr } = collect(child);
  const exited = once(child, 'exit').then(([code, signal]): Ended => ({ code, signal }));
  await eventually(
    'the start',
    () => {
      assert.equal(child.exitCode, null, `the product does not start:\n${stderr()}`);
      return stdout().includes(READY) ? true : undefined;
    },
    START_TIMEOUT_MS,
  ).catch((error: unknown) => {
    child.kill('SIGTERM');
    throw error;
  });
  const read = (name: string) => JSON.parse(readFileSync(join(data_dir, name), 'utf8'));
  const processes = (): Process[] => treeOf(child.pid!);
  return {
    data_dir,
    stdout,
    processes,
    log: stderr,
    pid: child.pid!,
    ...(read('demo.json') as { url: string; api_key: string; admin_key: string }),
    database_url: read('runtime.json').database_url as string,
    pidOf: (text) => {
      const found = processes().find(({ command }) => command.includes(text));
      assert.ok(found !== undefined, `no process of the product is a ${text}`);
      return found.pid;
    },
    stop: (signal) => {
      child.kill(signal);
      return exited;
    },
    killTree: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const pids = processes().map(({ pid }) => pid);
      // Stopped first, so that none sees another die and acts on it.
      for (const signal of ['SIGSTOP', 'SIGKILL'] as const) for (const pid of pids) send(pid, signal);
      await exited;
      for (const pid of pids) await eventually(`the end of ${pid}`, () => (isRunning(pid) ? undefined : true));
    },
  };
};

const send = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
};

const treeOf = (root: number): Process[] => {
  const all = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, pid, parent, command]) => ({ pid: Number(pid), parent: Number(parent), command: command! }));
  const tree = all.filter(({ pid }) => pid === root);
  for (const { pid } of tree) tree.push(...all.filter(({ parent }) => parent === pid));
  return tree.map(({ pid, command }) => ({ pid, command }));
};
