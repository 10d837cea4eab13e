import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { JOBS } from '../../src/server/jobs.ts';
import { FAMILY_SETTINGS, SETTINGS } from '../../src/server/settings.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { temporaryPath } from '../support/server.ts';
import { createProducts, eventually, type ProductProcess, runCommand } from './product-process.ts';
import { administer, sendCall } from './send-call.ts';

const ROOT = new URL('../../', import.meta.url).href;
const LOADED_FOR_HELP =
  /^(?:bin\/onevault\.mjs$|node_modules\/commander\/|src\/(?:core|keys|providers|server)\/[\w-]+\.(?:ts|json)$|src\/cli\/(?:main|program)\.ts$)/;

/** The scripts, from the project's root, in the coverage that V8 wrote into a folder. */
const loadedScripts = (folder: string): string[] =>
  readdirSync(folder)
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as { result: { url: string }[] })
    .flatMap(({ result }) => result.map(({ url }) => url))
    .filter((url) => url.startsWith(ROOT))
    .map((url) => url.slice(ROOT.length));

describe('a bad configuration', function () {
  this.timeout(300_000);
  const products = createProducts();
  after(() => products.cleanUp());

  it('is refused before anything is started, with every fault', async () => {
    const data_dir = products.folder();
    const { code, stdout, stderr } = await runCommand(['start'], {
      ONEVAULT_DATA_DIR: data_dir,
      PORT: '99999',
      OPENAI_BASE_URL: 'ftp://models',
      DATABSE_URL: 'postgres://localhost/x',
      ONEVAULT_LOG_LEVEL: 'loud',
    });
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.deepEqual(stderr.trimEnd().split('\n').slice(-5), [
      'onevault: the configuration has 4 fault(s):',
      '  - DATABSE_URL: no such variable; did you mean DATABASE_URL?',
      '  - PORT=99999: must be a whole number from 0 to 65535',
      '  - ONEVAULT_LOG_LEVEL=loud: must be one of trace, debug, info, warn, error, fatal, silent',
      '  - OPENAI_BASE_URL: must be a URL that starts with http:// or https://',
    ]);
    assert.equal(existsSync(data_dir), false);
  });

  it('with an unreachable database is refused with a list of things to check', async () => {
    const DATABASE_URL = 'postgres://someone:secret-word@127.0.0.1:1/nowhere';
    const environment = { ONEVAULT_DATA_DIR: products.folder(), PORT: '0', DATABASE_URL };
    const { code, stdout, stderr } = await runCommand(['start'], environment);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^onevault: DATABASE_URL: the database cannot be reached: .*ECONNREFUSED.*Check the host/m);
    assert.doesNotMatch(stderr, /secret-word/);
  });
});

describe('the command line', function () {
  this.timeout(300_000);

  it('reports an unknown command, and starts nothing', async () => {
    const products = createProducts();
    const data_dir = products.folder();
    const { code, stdout, stderr } = await runCommand(['strat'], { ONEVAULT_DATA_DIR: data_dir });
    assert.deepEqual(
      [code, stdout, stderr.split('\n').at(-2)],
      [1, '', 'error: unknown command \'strat\'; "onevault --help" lists those that there are'],
    );
    assert.equal(existsSync(data_dir), false);
  });

  it('lists every variable with its meaning, in columns', async () => {
    const { code, stdout } = await runCommand(['--help'], {});
    const lines = stdout.split('\nEnvironment:\n')[1]?.trimEnd().split('\n') ?? [];
    assert.equal(code, 0);
    assert.equal(lines.length, Object.keys({ ...SETTINGS, ...FAMILY_SETTINGS }).length);
    assert.equal(new Set(lines.map((line) => /^ {2}\S+ {2,}/.exec(line)?.[0].length)).size, 1);
  });

  it('lists every job', async () => {
    const { stdout } = await runCommand(['job', '--help'], {});
    assert.ok(stdout.replaceAll(/\s+/g, ' ').includes(JOBS.map(({ name }) => name).join(', ')), stdout);
  });

  it('prints help without loading the code of any command', async () => {
    const folder = temporaryPath();
    try {
      const { code } = await runCommand(['--help'], { NODE_V8_COVERAGE: folder });
      assert.equal(code, 0);
      const loaded = loadedScripts(folder);
      assert.ok(loaded.includes('src/cli/main.ts'), loaded.join(' '));
      assert.deepEqual(
        loaded.filter((path) => !LOADED_FOR_HELP.test(path)),
        [],
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('a configuration with its own database and provider', function () {
  this.timeout(300_000);
  const products = createProducts();
  let database: TestDatabase;
  let provider: Sandbox;
  let product: ProductProcess;

  before(async () => {
    database = await createEmptyDatabase();
    provider = await startSandbox();
    product = await products.start(products.folder(), {
      DATABASE_URL: database.url,
      OPENAI_BASE_URL: `${provider.url}/v1`,
      OPENAI_API_KEY: 'sk-of-the-test',
    });
  });
  after(async () => {
    await products.cleanUp();
    await provider.close();
    await database.drop();
  });

  it('uses that database and starts none itself', async () => {
    const { request_id, status } = await sendCall({ ...product, text: 'elsewhere' });
    assert.equal(status, 200);
    await eventually('the call in the vault', async () => {
      const rows = await database.sql`
        select from gateway.api_request_h h
        where h.api_request_bk = ${request_id}`;
      return rows.length === 1 ? true : undefined;
    });
    assert.equal(
      product.processes().some(({ command }) => command.includes('postgres')),
      false,
    );
    assert.equal(existsSync(`${product.data_dir}/postgres`), false);
  });

  it('sends calls of that provider to it, and those of other providers to the sandbox', async () => {
    const seen = provider.requests_seen();
    await sendCall({ ...product, text: 'one' });
    const streamed = await sendCall({ ...product, text: 'two', stream: true });
    assert.equal(streamed.is_complete, true);
    assert.equal(provider.requests_seen(), seen + 2);
    const { data } = await administer({ ...product, admin_key: product.api_key }, '/v1/models');
    const claude = (data as { id: string }[]).find(({ id }) => id.startsWith('claude'))!.id;
    assert.equal((await sendCall({ ...product, text: 'three', model: claude })).status, 200);
    assert.equal(provider.requests_seen(), seen + 2);
    const failed = await sendCall({ ...product, text: '[[sandbox: status=503]]', model: claude });
    assert.match(failed.body, /The provider answered 503: A sandbox directive requests this status\./);
  });

  it('stops without stopping that database', async () => {
    assert.deepEqual(await product.stop('SIGTERM'), { code: 0, signal: null });
    const [row] =
      await database.sql`select count(*) > 2 as has_calls from gateway.api_request_s where http_status = 200`;
    assert.equal(row!.has_calls, true);
  });
});
