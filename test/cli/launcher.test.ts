import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryPath } from '../support/server.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/onevault.mjs', import.meta.url));
// Makes the first process take itself for an old Node; the one that it starts has a channel to it and is not fooled.
const OLD_NODE = `if (!process.channel) {
  Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.11.1' } });
}`;
const NODE_PACKAGE = `node-${process.platform === 'darwin' && process.arch === 'arm64' ? 'bin-' : ''}${
  process.platform === 'win32' ? 'win' : process.platform
}-${process.arch}`;

describe('the launcher', function () {
  this.timeout(300_000);
  let folder: string;

  beforeEach(() => {
    folder = temporaryPath();
    mkdirSync(join(folder, 'bin'), { recursive: true });
    mkdirSync(join(folder, 'tmp'), { mode: 0o700 });
    cpSync(LAUNCHER, join(folder, 'bin', 'onevault.mjs'));
    writeFileSync(join(folder, 'old-node.mjs'), OLD_NODE);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A file below the folder, with its folders. */
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const start = (args: readonly string[], environment: Record<string, string> = {}) =>
    spawn(process.execPath, args, {
      env: { TMPDIR: join(folder, 'tmp'), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const run = async (args: readonly string[], environment: Record<string, string> = {}) => {
    const child = start(args, environment);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (bytes) => (stdout += bytes));
    child.stderr.on('data', (bytes) => (stderr += bytes));
    const [code, signal] = await once(child, 'close');
    return { code, signal, stdout, stderr };
  };
  const launcher = () => join(folder, 'bin', 'onevault.mjs');
  const asOldNode = () => ['--import', join(folder, 'old-node.mjs'), launcher()];
  /** Stands in for the Node that the optional dependencies bring: a link to this one. */
  const installNode = (target = process.execPath): void => {
    write(`node_modules/${NODE_PACKAGE}/package.json`, '{}');
    mkdirSync(join(folder, 'node_modules', NODE_PACKAGE, 'bin'));
    const name = process.platform === 'win32' ? 'node.exe' : 'node';
    symlinkSync(target, join(folder, 'node_modules', NODE_PACKAGE, 'bin', name));
  };

  it('runs dist in an installed package, with unchanged arguments', async () => {
    write('dist/src/cli/main.js', 'console.log("dist", ...process.argv.slice(2));');
    const { code, stdout } = await run([launcher(), 'job', 'a b']);
    assert.deepEqual([code, stdout], [0, 'dist job a b\n']);
  });

  it('runs src in a checkout, even beside a dist', async () => {
    write('dist/src/cli/main.js', 'console.log("dist");');
    write('src/cli/main.ts', 'const text: string = "src"; console.log(text);');
    write('package.json', '{ "type": "module" }');
    const { code, stdout } = await run([launcher()]);
    assert.deepEqual([code, stdout], [0, 'src\n']);
  });

  it('names the Node that it needs when this one is too old and no other is installed', async () => {
    write('dist/src/cli/main.js', 'console.log("started");');
    const { code, stdout, stderr } = await run(asOldNode());
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(
      stderr,
      /^onevault: Node 20\.11\.1 is too old, and no newer one is installed .*Install Node 24 or newer/,
    );
  });

  it('runs with the installed Node when this one is too old, and exits with its exit code', async () => {
    installNode();
    write('dist/src/cli/main.js', 'console.log(process.versions.node, process.argv[2]); process.exitCode = 7;');
    const { code, stdout } = await run([...asOldNode(), '--help']);
    assert.deepEqual([code, stdout], [7, `${process.versions.node} --help\n`]);
  });

  it('reports an installed Node that does not run on this machine', async () => {
    installNode(join(folder, 'missing'));
    write('dist/src/cli/main.js', 'console.log("started");');
    const { code, stderr } = await run(asOldNode());
    assert.equal(code, 1);
    assert.match(stderr, /^onevault: Node 20\.11\.1 is too old, and the one .* does not run here: .*ENOENT/);
  });

  const WAITING = `
    const alive = setInterval(() => {}, 1_000);
    process.once('SIGTERM', () => { console.log('stopped'); clearInterval(alive); });
    console.log('ready');`;

  it('passes SIGTERM on to the Node that it started, and waits for its end', async () => {
    installNode();
    write('dist/src/cli/main.js', WAITING);
    const child = start(asOldNode());
    const closed = once(child, 'close');
    let stdout = '';
    for await (const bytes of child.stdout) {
      if (stdout === '') child.kill('SIGTERM');
      stdout += bytes;
    }
    assert.deepEqual([stdout, ...(await closed)], ['ready\nstopped\n', 0, null]);
  });

  it('stops the Node that it started when it is killed itself', async () => {
    installNode();
    write('dist/src/cli/main.js', WAITING);
    const child = start(asOldNode());
    let stdout = '';
    for await (const bytes of child.stdout) {
      if (stdout === '') child.kill('SIGKILL');
      stdout += bytes;
    }
    assert.equal(stdout, 'ready\nstopped\n');
  });

  describe('with its compile cache', () => {
    // Big enough for Node to keep it.
    const program = () => `export const f = ${JSON.stringify('x'.repeat(4_096))}; console.log("started");`;
    const cached = (): string[] => readdirSync(join(folder, 'tmp'), { recursive: true }) as string[];

    beforeEach(() => write('dist/src/cli/main.js', program()));

    it('stores compiled code in a folder that only this user can write', async () => {
      assert.equal((await run([launcher()])).stdout, 'started\n');
      assert.ok(cached().length > 2, cached().join(' '));
    });

    it('stores no compiled code in a folder that others can write', async function () {
      if (process.getuid === undefined) this.skip();
      const shared = join(folder, 'tmp', `onevault-compiled-${process.getuid()}`);
      mkdirSync(shared);
      chmodSync(shared, 0o777);
      assert.equal((await run([launcher()])).stdout, 'started\n');
      assert.equal(cached().length, 1);
    });

    it('starts without a folder if none can be created', async () => {
      const { code, stdout } = await run([launcher()], { TMPDIR: join(folder, 'old-node.mjs') });
      assert.deepEqual([code, stdout], [0, 'started\n']);
    });
  });
});
