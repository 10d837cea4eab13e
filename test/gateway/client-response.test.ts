import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientResponse, createClientResponse } from '../../src/gateway/client-response.ts';

const SALT = Buffer.alloc(16, 7);
const TIMEOUT_MS = 1_000;
const PIECES = ['data: Größe\n\n', 'data: 漢字 👩‍👩‍👧\n\n', ': a comment\n\n'];
const LAST = 'data: [DONE]\n\n';
const WHOLE = PIECES.join('') + LAST;

describe('a streamed reply', () => {
  let server: Server;
  let answer: (reply: ClientResponse, number: number) => Promise<void>;
  let count = 0;

  before(async () => {
    server = createServer((_request, response) => {
      void answer(createClientResponse(response, SALT, TIMEOUT_MS), ++count);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  beforeEach(() => {
    count = 0;
  });
  after(() => server.close());

  /** What a client reads that sends this text and waits for the end of the connection. */
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

  const stream = async (reply: ClientResponse, pause_ms = 1): Promise<void> => {
    for (const piece of PIECES) {
      assert.equal(reply.write(piece), null);
      if (pause_ms > 0) await sleep(pause_ms);
    }
    reply.prepare(LAST);
    assert.equal(reply.byte_count, Buffer.byteLength(WHOLE));
    assert.equal(reply.commitment(), hash('sha256', Buffer.concat([SALT, Buffer.from(WHOLE)])));
    reply.finish(200, {});
  };

  it('comes in chunks, one for each piece, at once or by and by', async () => {
    const chunks = [...PIECES, LAST].map((piece) => `${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`);
    for (const pause_ms of [0, 1]) {
      answer = (reply) => stream(reply, pause_ms);
      const text = await exchange('POST / HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n');
      const [head, ...body] = text.split('\r\n\r\n');
      assert.match(head!, /transfer-encoding: chunked/i);
      assert.equal(body.join('\r\n\r\n'), `${chunks.join('')}0\r\n\r\n`);
    }
  });

  it('comes as it is to a client of HTTP/1.0, which takes no chunks', async () => {
    answer = (reply) => stream(reply);
    const text = await exchange('POST / HTTP/1.0\r\nhost: gateway\r\n\r\n');
    assert.equal(text.slice(text.indexOf('\r\n\r\n') + 4), WHOLE);
  });

  it('waits for the one before it on its connection, and neither is cut', async () => {
    answer = (reply, number) => stream(reply, number === 1 ? 50 : 1);
    const request = 'POST / HTTP/1.1\r\nhost: gateway\r\ncontent-length: 0\r\n';
    const text = await exchange(`${request}\r\n${request}connection: close\r\n\r\n`);
    const [, first, second] = text.split(/HTTP\/1\.1 200 OK\r\n/);
    for (const part of [first!, second!]) {
      const body = part.slice(part.indexOf('\r\n\r\n') + 4).replaceAll(/(^|\r\n)[\da-f]+\r\n/g, '');
      assert.equal(body.trimEnd(), WHOLE.trimEnd());
    }
  });

  it('says that a client is behind, and when it has room again', async () => {
    const frame = 'x'.repeat(20_000_000);
    let has_room = false;
    answer = async (reply) => {
      let wait = reply.write(frame);
      while (wait === null) wait = reply.write(frame);
      await wait;
      has_room = true;
      reply.prepare('');
      reply.finish(200, {});
    };
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n');
    await once(socket, 'readable');
    await sleep(100);
    assert.equal(has_room, false, 'a client that reads nothing was given more');
    socket.resume();
    await once(socket, 'close');
    assert.equal(has_room, true);
  });
});
