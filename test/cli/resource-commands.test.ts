import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Output, runCommand } from '../server/product-process.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { temporaryPath } from '../support/server.ts';

describe('onevault get and onevault list', function () {
  // Bounds a hang only: each command starts a process.
  this.timeout(300_000);
  let gateway: TestGateway;
  const folder = temporaryPath();

  before(async () => {
    gateway = await startTestGateway();
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'demo.json'), JSON.stringify({ url: gateway.url, ...gateway.keys }));
    for (const slug of ['acme', 'beta', 'gamma']) await gateway.newCustomer({ slug });
    await gateway.admin('PATCH', '/customers/acme', { name: 'Acme' });
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await gateway.close();
  });

  const run = (...args: string[]): Promise<Output> => runCommand(args, { ONEVAULT_DATA_DIR: folder });
  const printed = async (...args: string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await run(...args);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  };

  it('print a resource, its history, and lists with a filter, an order and selected fields', async () => {
    assert.deepEqual(await printed('get', 'customers', 'acme', '--fields', 'slug,name'), {
      slug: 'acme',
      name: 'Acme',
    });
    const states = (await printed('get', 'customers', 'acme', '--history')) as { name: string }[];
    assert.deepEqual(
      states.map(({ name }) => name),
      ['acme', 'Acme'],
    );
    const filter = ['--filter', 'slug[prefix]=b', '--filter', 'status=ACTIVE', '--fields', 'slug'];
    assert.deepEqual(await printed('list', 'customers', ...filter), [{ slug: 'beta' }]);
    const sorted = await printed('list', 'customers', '--sort', '-slug', '--fields', 'slug', '--all');
    assert.deepEqual(sorted, [{ slug: 'gamma' }, { slug: 'demo' }, { slug: 'beta' }, { slug: 'acme' }]);
    assert.deepEqual(await printed('list', 'customers/acme/provider-keys'), []);
  });

  it('report a missing product, an unknown resource and a key without permission', async () => {
    const nowhere = await runCommand(['get', 'customers', 'acme'], { ONEVAULT_DATA_DIR: `${folder}-none` });
    assert.deepEqual([nowhere.code, /name its --url/.test(nowhere.stderr)], [1, true], nowhere.stderr);
    const missing = await run('get', 'customers', 'nobody');
    assert.match(missing.stderr, /answered 404: .*There is no customer nobody/);
    const key = join(folder, 'key');
    writeFileSync(key, `${gateway.keys.api_key}\n`);
    assert.match((await run('list', 'customers', '--key-file', key)).stderr, /answered 403: .*administrator/);
    const wrong = await run('list', 'customers', '--filter', 'status');
    assert.match(wrong.stderr, /write it as FIELD=VALUE/);
    assert.doesNotMatch(wrong.stderr, /at .*\.ts/, 'no stack is shown');
  });
});
