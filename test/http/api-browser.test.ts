import assert from 'node:assert/strict';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

describe('the pages that show the API', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  const get = (path: string) => gateway.send({ method: 'GET', path });

  for (const path of ['/docs', '/redoc']) {
    it(`load no foreign resource and run no inline script at ${path}`, async () => {
      const page = await get(path);
      assert.equal(page.status, 200);
      assert.match(page.headers['content-type']!, /^text\/html/);
      const policy = String(page.headers['content-security-policy']);
      assert.match(policy, /default-src 'none'; script-src 'self';/);
      assert.doesNotMatch(page.text, /https?:\/\//);
      const scripts = [...page.text.matchAll(/<script([^>]*)>([^<]*)</g)];
      assert.ok(scripts.length >= 2);
      for (const [, attributes, inline] of scripts) assert.deepEqual([/src="\//.test(attributes!), inline], [true, '']);
      const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, asset]) => asset!);
      for (const asset of assets) {
        const file = await get(asset);
        assert.equal(file.status, 200, asset);
        assert.ok(file.text.length > 50, asset);
        assert.match(file.headers['content-type']!, /^text\/(?:javascript|css)/, asset);
        assert.equal(file.headers['x-content-type-options'], 'nosniff');
      }
    });

    it(`serve only their own files below ${path}/assets`, async () => {
      for (const name of [
        'package.json',
        '..%2Fpackage.json',
        '%2e%2e%2f%2e%2e%2fpackage.json',
        'toString',
        'none.js',
      ]) {
        assert.equal((await get(`${path}/assets/${name}`)).status, 404, name);
      }
    });
  }

  it('send trial calls without cookies', async () => {
    assert.match((await get('/docs/assets/start.js')).text, /credentials: 'omit'/);
  });
});
