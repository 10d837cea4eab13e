import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { type ClientResponse, createClientResponse } from '../../src/gateway/client-response.ts';

const SALT = Buffer.alloc(16, 7);
const TIMEOUT_MS = 1_000;
const PIECES = ['data: Größe\n\n', 'data: 漢字 👩‍👩‍👧\n\n', ': a comment\n\n'];
const LAST = 'data: [DONE]\n\n';
const WHOLE = PIECES.join('') + LAST;

describe('a streamed response', () => {
  let server: Server;
  let respond: (response: ClientResponse, number: number) => Promise<void>;
  let count = 0;

  before(async () => {
    server = createServer((_request, response) => {
      void respond(createClientResponse(response, SALT, TIMEOUT_MS), ++count);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  beforeEach(() => {
    count = 0;
  });
  after(() => server.close());

  /** Text that a client receives after it sends `sent`, up to the end of the connection. */
  const exchange = async (sent: string): Promise<string> => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').setEncoding('utf8');
    let text = '';
    socket.on('data', (piece: string) => {
      text += piece;
    });
    socket.write(sent);
    await once(socket, 'close');
    return text;
  };

  const stream = async (response: ClientResponse, pause: () => Promise<void> = turn): Promise<void> => {
    for (const piece of PIECES) {
      assert.equal(response.write(piece), null);
      await pause();
    }
    response.prepare(LAST);
    assert.equal(response.byte_count, Buffer.byteLength(WHOLE));
    assert.equal(response.commitment(), hash('sha256', Buffer.concat([SALT, Buffer.from(WHOLE)])));
    response.finish(200, {});
  };

  it('is sent in chunks, one for each piece, at once or one after the other', async () => {
    const chunks = [...PIECES, LAST].map((piece) => `${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`);
    for (const pause of [async () => {}, turn]) {
      respond = (response) => stream(response, pause);
      const text = await exchange('POST / HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n');
      const [head, ...body] = text.split('\r\n\r\n');
      assert.match(head!, /transfer-encoding: chunked/i);
      assert.equal(body.join('\r\n\r\n'), `${chunks.join('')}0\r\n\r\n`);
    }
  });

  it('is sent without chunks to an HTTP/1.0 client', async () => {
    respond = (response) => stream(response);
    const text = await exchange('POST / HTTP/1.0\r\nhost: gateway\r\n\r\n');
    assert.equal(text.slice(text.indexOf('\r\n\r\n') + 4), WHOLE);
  });

  it('is sent byte for byte if its pieces are bytes, and no empty piece ends it', async () => {
    const pieces = [Buffer.of(0, 255, 13, 10), Buffer.alloc(0), Buffer.from('0\r\n\r\n'), new Uint8Array([200, 1])];
    const bytes = Buffer.concat(pieces);
    const last = Buffer.of(254);
    respond = async (response) => {
      for (const piece of pieces) response.write(piece, 'audio/mpeg');
      response.prepare(last);
      assert.equal(response.byte_count, bytes.length + 1);
      assert.equal(response.commitment(), hash('sha256', Buffer.concat([SALT, bytes, last])));
      response.finish(200, {});
    };
    const { port } = server.address() as AddressInfo;
    const received = await fetch(`http://127.0.0.1:${port}`, { method: 'POST' });
    assert.equal(received.headers.get('content-type'), 'audio/mpeg');
    assert.deepEqual(Buffer.from(await received.arrayBuffer()), Buffer.concat([bytes, last]));
  });

  it('is sent whole with its commitment if it is bytes', async () => {
    const bytes = Buffer.of(0, 255, 13, 10);
    respond = async (response) => {
      response.prepare(bytes);
      assert.equal(response.commitment(), hash('sha256', Buffer.concat([SALT, bytes])));
      response.finish(200, { 'content-type': 'audio/mpeg' });
    };
    const { port } = server.address() as AddressInfo;
    const received = await fetch(`http://127.0.0.1:${port}`, { method: 'POST' });
    assert.equal(received.headers.get('content-length'), '4');
    assert.deepEqual(Buffer.from(await received.arrayBuffer()), bytes);
  });

  it('is an error for its client if it is cut, also by HTTP/1.0', async () => {
    respond = async (response) => {
      response.write(Buffer.from('half'));
      await turn();
      response.cut();
    };
    const { port } = server.address() as AddressInfo;
    await assert.rejects(fetch(`http://127.0.0.1:${port}`, { method: 'POST' }).then((received) => received.text()));
    const socket = connect(port, '127.0.0.1').resume();
    socket.write('POST / HTTP/1.0\r\nhost: gateway\r\n\r\n');
    await assert.rejects(once(socket, 'end'), { code: 'ECONNRESET' });
  });

  it('waits for the earlier response on its connection, and both are complete', async () => {
    const second_response = Promise.withResolvers<void>();
    respond = async (response, number) => {
      await stream(response, number === 1 ? () => second_response.promise : turn);
      if (number === 2) second_response.resolve();
    };
    const request = 'POST / HTTP/1.1\r\nhost: gateway\r\ncontent-length: 0\r\n';
    const text = await exchange(`${request}\r\n${request}connection: close\r\n\r\n`);
    const [, first, second] = text.split(/HTTP\/1\.1 200 OK\r\n/);
    for (const part of [first!, second!]) {
      const body = part.slice(part.indexOf('\r\n\r\n') + 4).replaceAll(/(^|\r\n)[\da-f]+\r\n/g, '');
      assert.equal(body.trimEnd(), WHOLE.trimEnd());
    }
  });

  it('reports that a client is slow, and resolves when it has room again', async () => {
    const frame = 'x'.repeat(20_000_000);
    let has_room = false;
    const slow = Promise.withResolvers<void>();
    respond = async (response) => {
      let wait = response.write(frame);
      while (wait === null) wait = response.write(frame);
      slow.resolve();
      await wait;
      has_room = true;
      response.prepare('');
      response.finish(200, {});
    };
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n');
    await once(socket, 'readable');
    await slow.promise;
    await turn();
    assert.equal(has_room, false, 'a client that reads nothing has no room');
    socket.resume();
    await once(socket, 'close');
    assert.equal(has_room, true);
  });
});
