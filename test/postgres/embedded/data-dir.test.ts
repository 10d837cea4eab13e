import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartupError } from '../../../src/core/startup-error.ts';
import { lockDataDir } from '../../../src/postgres/embedded/data-dir.ts';
import { temporaryPath } from '../../support/server.ts';

const MODULE = new URL('../../../src/postgres/embedded/data-dir.ts', import.meta.url).href;

describe('the lock of the data directory', () => {
  let folder: string;
  beforeEach(() => {
    folder = temporaryPath();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('creates the folder and its parents, closed to other users', () => {
    const path = join(folder, 'a b', 'ü');
    lockDataDir(path).release();
    const mode = statSync(path).mode & 0o777;
    assert.equal(mode & 0o067, 0, 'others may do nothing, and the group only pass through');
    assert.equal(mode & 0o700, 0o700);
    assert.equal(statSync(join(path, 'onevault.lock')).mode & 0o077, 0);
  });

  it('keeps the mode of an existing folder', () => {
    mkdirSync(folder);
    chmodSync(folder, 0o751);
    lockDataDir(folder).release();
    assert.equal(statSync(folder).mode & 0o777, 0o751);
  });

  it('refuses a second holder in the same process, and stays with the first', async () => {
    const lock = lockDataDir(folder);
    assert.throws(() => lockDataDir(folder), StartupError);
    assert.equal(await tryInChild(folder), 'refused');
    lock.release();
    assert.equal(await tryInChild(folder), 'held');
  });

  it('names the folder and the process that holds it', async () => {
    const child = holder(folder);
    await once(child.stdout!, 'data');
    assert.throws(
      () => lockDataDir(folder),
      (error: Error) => error.message.includes(folder) && error.message.includes(`process ${child.pid}`),
    );
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  it('is free again at once when its holder is killed', async () => {
    const child = holder(folder);
    await once(child.stdout!, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const lock = lockDataDir(folder);
    assert.equal(readFileSync(join(folder, 'onevault.pid'), 'utf8').trim(), String(process.pid));
    lock.release();
  });

  it('names the fault when the path is a file', () => {
    writeFileSync(folder, '');
    assert.throws(() => lockDataDir(folder), /cannot be used/);
    assert.throws(() => lockDataDir(join(folder, 'below')), /cannot be (created|used)/);
  });
});

const script = (folder: string, then: string) =>
  `import { lockDataDir } from ${JSON.stringify(MODULE)};
   let state = 'held';
   try { lockDataDir(${JSON.stringify(folder)}); } catch { state = 'refused'; }
   process.stdout.write(state); ${then}`;

const run = (source: string): ChildProcess =>
  spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'ignore'] });

/** A process that takes the lock, reports it, and stays. */
const holder = (folder: string): ChildProcess => run(script(folder, 'setInterval(() => {}, 1000);'));

const tryInChild = async (folder: string): Promise<string> => {
  const [output] = await once(run(script(folder, '')).stdout!, 'data');
  return String(output);
};
