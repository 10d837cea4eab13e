import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

describe('a request that the HTTP parser refuses', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  const exchange = async (bytes: string): Promise<{ status: number; body: { error: Record<string, unknown> } }> => {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    socket.write(bytes);
    await once(socket, 'close');
    const [head, body] = text.split('\r\n\r\n');
    assert.match(head!, /content-type: application\/json/);
    return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head!)?.[1]), body: JSON.parse(body!) };
  };

  for (const [name, bytes, status, reason] of [
    [
      'has headers of 32 KiB',
      `GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(32_768)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    [
      'has a query of 32 KiB',
      `GET /v1/customers?after=${'a'.repeat(32_768)} HTTP/1.1\r\nhost: x\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    ['is not HTTP', 'hello, gateway\r\n\r\n', 400, 'malformed_http'],
    [
      'has two lengths',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na',
      400,
      'malformed_http',
    ],
  ] as const) {
    it(`is answered with the error ${reason} when it ${name}`, async () => {
      const { status: answered, body } = await exchange(bytes);
      assert.equal(answered, status);
      const { code, details, request_id } = body.error as {
        code: string;
        details: { reason: string };
        request_id: string;
      };
      assert.deepEqual([code, details.reason], ['invalid_request', reason]);
      assert.match(request_id, /^[0-9a-f-]{36}$/);
    });
  }

  it('leaves the gateway able to serve the next one', async () => {
    assert.equal((await gateway.get('/health/readiness')).status, 200);
  });
});
