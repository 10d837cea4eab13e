import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SETTINGS } from '../../src/server/settings.ts';
import { onInterrupt } from './on-interrupt.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'bin', 'onevault.mjs');

/** Output of a command of the product. */
export interface CommandOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** The product, running as a separate process on a temporary data directory and free ports. */
export interface RunningProduct {
  readonly url: string;
  readonly api_key: string;
  readonly admin_key: string;
  readonly database_url: string;
  /** Runs another `onevault …` command. @throws Error with the command's output if it fails */
  command(args: readonly string[]): Promise<CommandOutput>;
  /** Stops it, removes its files and resolves with its exit code. */
  stop(): Promise<number | null>;
}

// PostgreSQL's first start creates a cluster, which takes seconds, and longer on a slow disk.
const START_TIMEOUT_MS = 120_000;
// Length of the log in the error of a failure.
const LOG_TAIL_CHARACTERS = 4_000;

/** An unused path in the system's temporary folder. */
export const temporaryPath = (): string =>
  join(tmpdir(), `onevault-bench-${process.pid}-${randomBytes(4).toString('hex')}`);

/**
 * Starts the product with its defaults.
 * @param settings environment variables that differ from the defaults
 * @throws Error with its output if it does not start
 */
export const spawnProduct = async (settings: Readonly<Record<string, string>> = {}): Promise<RunningProduct> => {
  const data_dir = temporaryPath();
  const env = { ...foreignVariables(), PORT: '0', ONEVAULT_DATA_DIR: data_dir, ...settings };
  const child = spawn(process.execPath, [MAIN, 'start'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const log = tailOf(child);
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const stop = async (): Promise<number | null> => {
    removeInterrupt();
    child.kill('SIGTERM');
    const code = await exited;
    rmSync(data_dir, { recursive: true, force: true });
    return code;
  };
  const removeInterrupt = onInterrupt(stop);
  try {
    await listening(child, exited, log);
    const { url, api_key, admin_key } = readJson(join(data_dir, 'demo.json'));
    const { database_url } = readJson(join(data_dir, 'runtime.json'));
    if (!url || !api_key || !admin_key || !database_url) throw new Error('the product started without its keys');
    return {
      url,
      api_key,
      admin_key,
      database_url,
      stop,
      command: (args) => promisify(execFile)(process.execPath, [MAIN, ...args], { env, cwd: ROOT }),
    };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** The environment without the product's own variables, which would change the measurement. */
const foreignVariables = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !Object.hasOwn(SETTINGS, name)));

const readJson = (path: string): Readonly<Record<string, string>> => JSON.parse(readFileSync(path, 'utf8'));

const tailOf = (child: ChildProcess): (() => string) => {
  let tail = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-LOG_TAIL_CHARACTERS);
  });
  return () => tail;
};

/** Resolves once the product reports that it listens. */
const listening = async (child: ChildProcess, exited: Promise<number | null>, log: () => string): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(
    () => reject(new Error(`the product did not start in ${START_TIMEOUT_MS} ms:\n${log()}`)),
    START_TIMEOUT_MS,
  );
  let output = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.includes('listens on')) resolve();
  });
  exited.then((code) => reject(new Error(`the product ended with code ${code}:\n${log()}`)), reject);
  await promise.finally(() => clearTimeout(timer));
};
