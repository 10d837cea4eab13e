import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createTestDatabase } from '../support/database.ts';
import { createProducts, eventually, isRunning, type ProductProcess, runCommand } from './product-process.ts';
import { administer, sendCall } from './send-call.ts';

const run = promisify(execFile);
const PERIOD = ['--from', '2020-01-01T00:00:00Z', '--to', '2100-01-01T00:00:00Z'] as const;

describe('a first start', function () {
  this.timeout(300_000);
  const products = createProducts();
  let product: ProductProcess;
  let environment: Record<string, string>;

  before(async () => {
    product = await products.start(products.folder());
    environment = { ONEVAULT_DATA_DIR: product.data_dir };
  });
  after(() => products.cleanUp());

  it('prints its address, a key and a call that works in a shell', async () => {
    const printed = product.stdout();
    assert.match(printed, new RegExp(`listens on ${product.url}`));
    assert.match(printed, new RegExp(`demo API key +${product.api_key}`));
    const [command] = /curl [\s\S]*?\}'\n/.exec(printed) ?? [];
    const { stdout } = await run('sh', ['-c', command!]);
    const response = JSON.parse(stdout);
    assert.equal(response.choices[0].message.content, 'You wrote: Hello');
    assert.equal(response.model.startsWith('gpt-4o-mini'), true);
  });

  it('writes demo.json with the address and both keys, readable for its owner only', async () => {
    const path = join(product.data_dir, 'demo.json');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const demo = JSON.parse(readFileSync(path, 'utf8'));
    assert.deepEqual(Object.keys(demo).sort(), ['admin_key', 'api_key', 'url']);
    const { data } = await administer(demo, '/customers');
    assert.deepEqual(
      (data as { slug: string }[]).map(({ slug }) => slug),
      ['demo'],
    );
    assert.equal((await sendCall({ ...demo, text: 'hi' })).status, 200);
  });

  it('omits its keys from its log and from every command line', () => {
    const seen = product.log() + JSON.stringify(product.processes());
    for (const key of [product.api_key, product.admin_key]) assert.equal(seen.includes(key), false);
  });

  it('reports that it is ready, and its dependencies', async () => {
    const readiness = await fetch(`${product.url}/health/readiness`);
    assert.equal(readiness.status, 200);
    const dependencies = await (await fetch(`${product.url}/health/dependencies`)).text();
    assert.match(dependencies, /"database":\{"status":"up"/);
    assert.match(dependencies, /"journal":\{"status":"up"/);
  });

  it('loads a call into the vault soon', async () => {
    const { request_id } = await sendCall({ ...product, text: 'to the vault' });
    const { data } = await eventually('the row', () =>
      administer(product, `/requests/${request_id}`).catch(() => undefined),
    );
    const row = data as Record<string, unknown>;
    assert.equal(row.response_status, 'SUCCESS');
    assert.equal(row.customer, 'demo');
  });

  it('refuses a second start on the same data directory, and continues itself', async () => {
    const second = await runCommand(['start'], { ...environment, PORT: '0' });
    assert.equal(second.code, 1);
    assert.match(second.stderr, new RegExp(`is in use by process ${product.pid}: stop that process`));
    assert.doesNotMatch(second.stderr, /\n {4}at /, 'no stack');
    assert.equal((await sendCall({ ...product, text: 'still there' })).status, 200);
  });

  it('refuses a port in use, and leaves nothing running', async () => {
    const database = await createTestDatabase();
    const data_dir = products.folder();
    const { code, stderr } = await runCommand(['start'], {
      PORT: new URL(product.url).port,
      ONEVAULT_DATA_DIR: data_dir,
      DATABASE_URL: database.url,
    });
    assert.equal(code, 1);
    assert.match(stderr, /onevault: PORT=\d+: another program listens there; stop it, or choose another PORT/);
    await database.drop();
    assert.throws(() => statSync(join(data_dir, 'runtime.json')), { code: 'ENOENT' });
  });

  it('allows jobs and reports to run beside it', async () => {
    const job = await eventually('the job', async () => {
      const run = await runCommand(['job', 'spend'], environment);
      // The product's own clock may be running it just now.
      return /^onevault: the job spend /m.test(run.stderr) ? undefined : run;
    });
    assert.equal(job.code, 0, job.stderr);
    assert.equal(JSON.parse(job.stdout).job, 'spend');
    const report = await runCommand(['report', 'hipaa-activity', ...PERIOD], environment);
    assert.equal(report.code, 0, report.stderr);
    assert.match(report.stderr, /^report hipaa-activity\/[0-9a-f]+, known at .*: [1-9]\d* rows$/m);
    JSON.parse(report.stdout);
    const unknown = await runCommand(['job', 'dishes'], environment);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /^onevault: .*dishes.*performance-windows/m);
  });

  it('exits at Ctrl-C after its current call is answered, with code 0 and no process left', async () => {
    const under_way = sendCall({ ...product, text: 'slow [[sandbox: latency_ms=1500]]' });
    await sleep(500);
    const processes = product.processes();
    assert.ok(processes.some(({ command }) => command.includes('postgres')));
    // A terminal sends the signal to every process of its group at once.
    for (const { pid, command } of processes) if (command.includes(' child ')) process.kill(pid, 'SIGINT');
    const ended = await product.stop('SIGINT');
    const response = await under_way;
    assert.equal(response.status, 200);
    assert.equal(response.is_complete, true);
    assert.deepEqual(ended, { code: 0, signal: null });
    assert.deepEqual(
      processes.filter(({ pid }) => isRunning(pid)),
      [],
    );
    assert.throws(() => statSync(join(product.data_dir, 'runtime.json')), { code: 'ENOENT' });

    const report = await runCommand(['report', 'hipaa-activity', ...PERIOD, '--format', 'csv'], environment);
    assert.equal(report.code, 0, report.stderr);
    assert.ok(report.stdout.includes(response.request_id), 'what it answered last is in the vault');
    const job = await runCommand(['job', 'performance-windows'], environment);
    assert.equal(job.code, 0, job.stderr);
  });
});
