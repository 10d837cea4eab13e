import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { StartupError } from '../../src/core/startup-error.ts';
import { checkDriver } from '../../src/postgres/check-driver.ts';
import { runCommand } from '../server/product-process.ts';
import { temporaryPath } from '../support/server.ts';

const DRIVER = dirname(dirname(fileURLToPath(import.meta.resolve('postgres'))));
const PATCH = fileURLToPath(new URL('../../patches/postgres+3.4.9.patch', import.meta.url));

describe('the check of the PostgreSQL driver', function () {
  this.timeout(300_000);
  let project: string;
  let sources: string;

  beforeEach(() => {
    project = temporaryPath();
    sources = join(project, 'node_modules', 'postgres', 'src');
    cpSync(DRIVER, dirname(sources), { recursive: true });
  });
  afterEach(() => rmSync(project, { recursive: true, force: true }));

  const unpatch = (): void => {
    execFileSync('git', ['apply', '--reverse', '--unsafe-paths', `--directory=${project}`, PATCH], { cwd: '/' });
  };
  const isRefused = (error: unknown): boolean =>
    error instanceof StartupError &&
    error.message.includes('is not patched as this version needs') &&
    error.message.endsWith(`Run "npm ci" in ${project}.`);

  it('accepts the installed driver', () => {
    checkDriver();
    checkDriver(sources);
  });

  it('refuses a driver without our patch, and names the command that applies it', () => {
    unpatch();
    assert.throws(() => checkDriver(sources), isRefused);
  });

  for (const file of ['connection.js', 'index.js']) {
    it(`refuses a driver with a changed ${file}`, () => {
      appendFileSync(join(sources, file), '\n');
      assert.throws(() => checkDriver(sources), isRefused);
    });
  }

  it('refuses a driver with missing files', () => {
    rmSync(sources, { recursive: true });
    assert.throws(() => checkDriver(sources), isRefused);
  });

  it('prevents the start of the product before it creates anything', async () => {
    unpatch();
    const redirect = `import { registerHooks } from 'node:module';
      registerHooks({
        resolve: (name, context, next) =>
          name === 'postgres' ? { url: ${JSON.stringify(pathToFileURL(join(sources, 'index.js')).href)}, shortCircuit: true } : next(name, context),
      });`;
    writeFileSync(join(project, 'redirect.mjs'), redirect);
    const data_dir = join(project, 'data');
    const { code, stderr } = await runCommand(['start'], {
      ONEVAULT_DATA_DIR: data_dir,
      PORT: '0',
      NODE_OPTIONS: `--import=${pathToFileURL(join(project, 'redirect.mjs')).href}`,
    });
    assert.equal(code, 1);
    assert.match(stderr, /^onevault: The PostgreSQL driver is not patched .* Run "npm ci" in /m);
    assert.equal(existsSync(join(data_dir, 'postgres')), false);
  });
});
