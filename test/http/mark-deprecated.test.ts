import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import type { Deprecation } from '../../src/http/route.ts';
import { markDeprecated } from '../../src/http/write-outcome.ts';

const headersOf = async (deprecation: Deprecation): Promise<Headers> => {
  const app = new Koa().use((ctx) => {
    markDeprecated(ctx, deprecation);
    ctx.body = 'x';
  });
  const server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    return (await fetch(`http://127.0.0.1:${port}`)).headers;
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
};

describe('a deprecated route', () => {
  it('reports the instants of deprecation and removal, and links to its replacement', async () => {
    const headers = await headersOf({
      since: '2026-01-01T00:00:00Z',
      sunset: '2027-06-30T12:00:00Z',
      link: 'https://docs.example/old',
    });
    // RFC 9745, section 2: a date of structured fields. RFC 8594, section 3: a date of HTTP.
    assert.equal(headers.get('deprecation'), '@1767225600');
    assert.equal(headers.get('sunset'), 'Wed, 30 Jun 2027 12:00:00 GMT');
    assert.equal(headers.get('link'), '<https://docs.example/old>; rel="deprecation"; type="text/html"');
  });

  it('reports no instant of removal if none is decided', async () => {
    const headers = await headersOf({ since: '2026-01-01T00:00:00Z' });
    assert.deepEqual([headers.get('sunset'), headers.get('link')], [null, null]);
  });
});
