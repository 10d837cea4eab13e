import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually, isRunning, runCommand } from '../server/product-process.ts';
import { sendCall } from '../server/send-call.ts';
import { temporaryPath } from '../support/server.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const IN_PACKAGE =
  /^package\/(?:package\.json|README\.md|bin\/onevault\.mjs|dist\/.*\.(?:js|mjs|json|sql|yml)|node_modules\/postgres\/.*)$/;
// An install and a start, on a busy machine with a cold cache of packages.
const TIMEOUT_MS = 600_000;

/** The environment as it is outside of npm and of this checkout, whose Node stands first on PATH. */
const userEnvironment = (): Record<string, string | undefined> => {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^(?:npm_(?:package|lifecycle|command|config_local_prefix)|NODE|INIT_CWD|ONEVAULT_|DATABASE_URL)/.test(name),
  );
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.startsWith(ROOT));
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter), PORT: '0' };
};

describe('the packed product', function () {
  this.timeout(TIMEOUT_MS);
  const folder = temporaryPath();
  const data_dir = join(folder, '.onevault');
  const env = userEnvironment();
  const run = (program: string, args: readonly string[], cwd = folder) =>
    promisify(execFile)(program, args, { cwd, env, maxBuffer: 2 ** 26 });
  let tarball: string;
  let product: ChildProcess | null = null;

  before(async () => {
    mkdirSync(folder);
    const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder], ROOT);
    tarball = join(folder, stdout.trim().split('\n').at(-1)!);
    await run('npm', ['install', '--no-audit', '--no-fund', tarball]);
  });
  after(async () => {
    if (product?.exitCode === null) await stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const runtimePid = (): number => JSON.parse(readFileSync(join(data_dir, 'runtime.json'), 'utf8')).pid as number;
  const stop = async (): Promise<void> => {
    const pid = runtimePid();
    process.kill(pid, 'SIGTERM');
    await eventually('the end of the product', () => (isRunning(pid) ? undefined : true), TIMEOUT_MS);
  };

  it('contains only the files that the product runs and reads', async () => {
    const { stdout } = await run('tar', ['tzf', tarball]);
    const paths = stdout.trimEnd().split('\n');
    assert.ok(paths.length > 600, `${paths.length} files`);
    assert.deepEqual(
      paths.filter((path) => !IN_PACKAGE.test(path)),
      [],
    );
  });

  it('starts in the empty folder of its installation, serves a call, and stops', async () => {
    product = spawn('npx', ['--no-install', 'onevault', 'start'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const closed = once(product, 'close');
    let [stdout, stderr] = ['', ''];
    product.stdout!.on('data', (bytes) => (stdout += bytes));
    product.stderr!.on('data', (bytes) => (stderr += bytes));
    await eventually(
      'the start',
      () => {
        assert.equal(product!.exitCode, null, `the product does not start:\n${stderr}`);
        return stdout.includes('Ctrl-C stops it.') ? true : undefined;
      },
      TIMEOUT_MS,
    );
    const demo = JSON.parse(readFileSync(join(data_dir, 'demo.json'), 'utf8')) as { url: string; api_key: string };
    const readiness = await fetch(`${demo.url}/health/readiness`);
    await readiness.arrayBuffer();
    const call = await sendCall({ ...demo, text: 'from a package' });
    await stop();
    assert.deepEqual([readiness.status, call.status, ...(await closed)], [200, 200, 0, null]);
    assert.equal(existsSync(join(data_dir, 'runtime.json')), false);
  });

  it('creates a database that a checkout of the same version can continue to use', async () => {
    const { code, stdout, stderr } = await runCommand(['vault', 'check'], { ONEVAULT_DATA_DIR: data_dir });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^hashes .* sound$/m);
  });

  it('pulls a report and writes the dictionary from its own files', async () => {
    const onevault = (...args: string[]) => run('npx', ['--no-install', 'onevault', ...args]);
    const [from, to] = ['2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z'];
    await onevault('report', 'hipaa-activity', '--from', from, '--to', to, '--out', 'report.json');
    await onevault('vault', 'docs', '--out', 'docs');
    await onevault('job', 'spend');
    assert.match(readFileSync(join(folder, 'report.json'), 'utf8'), /hipaa-activity/);
    assert.match(readFileSync(join(folder, 'docs', 'index.html'), 'utf8'), /api_request_h/);
  });
});
