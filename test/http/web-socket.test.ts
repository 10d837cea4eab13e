import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { acceptWebSocket, serveUpgrades, UPGRADES } from '../../src/http/upgrades.ts';
import { createPeer, HeldWebSocket, type Peer, type Received, WEB_SOCKET_OPTIONS } from '../../src/http/web-socket.ts';
import { closePayload, frameOf, OPCODES, switchedTo } from '../support/frames.ts';
import { until } from '../support/http.ts';
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';

const LIMIT = 100_000;
const HANDSHAKE = [
  'GET / HTTP/1.1',
  'host: test',
  'upgrade: websocket',
  'connection: upgrade',
  'sec-websocket-version: 13',
  'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
];
const END_OF_HEAD = '\r\n\r\n';

/** A peer as its owner has it, and its far end as a bare connection. */
interface Pair {
  readonly peer: Peer;
  readonly far: Socket;
  /** Bytes that came to the far end after the handshake. */
  arrived(): Buffer;
}

/** Everything that comes from a peer, up to its end. */
const receivedFrom = async ({ peer }: Pair): Promise<Received[]> => {
  const all: Received[] = [];
  await peer.receive((received) => {
    all.push(received);
    return undefined;
  });
  return all;
};

const faultFrom = async (pair: Pair): Promise<number> => {
  const last = (await receivedFrom(pair)).at(-1)!;
  return last.kind === 'fault' ? last.fault.close_code : assert.fail(`it ended with ${last.kind}`);
};

describe('the peer of a WebSocket', () => {
  let server: Server;
  let bare: RawUpstream;
  let accepted: PromiseWithResolvers<Peer>;
  let stall_timeout_ms: number;
  const opened: { readonly far: Socket; readonly peer: Peer }[] = [];
  before(async () => {
    bare = await startRawUpstream();
    server = createServer(UPGRADES);
    serveUpgrades(server, (request, response) => {
      const peer = acceptWebSocket(request, response, {
        subprotocol: null,
        message_max_bytes: LIMIT,
        stall_timeout_ms,
      });
      accepted.resolve(peer!);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  beforeEach(() => {
    stall_timeout_ms = 60_000;
  });
  afterEach(() => {
    for (const { far, peer } of opened.splice(0)) {
      far.destroy();
      peer.terminate();
    }
  });
  after(async () => {
    await bare.close();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });

  const pairOf = (peer: Peer, far: Socket): Pair => {
    opened.push({ far, peer });
    far.on('error', () => {});
    const pieces: Buffer[] = [];
    far.on('data', (piece: Buffer) => pieces.push(piece));
    const arrived = (): Buffer => {
      const all = Buffer.concat(pieces);
      // A client is sent an HTTP head first.
      return all.subarray(all.includes('HTTP/') ? all.indexOf(END_OF_HEAD) + END_OF_HEAD.length : 0);
    };
    return { peer, far, arrived };
  };

  /** The far end is a client, whose frames are masked. @param at_once is written together with its handshake */
  const fromClient = async (at_once: Buffer = Buffer.alloc(0)): Promise<Pair> => {
    accepted = Promise.withResolvers();
    const far = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true });
    far.write(Buffer.concat([Buffer.from(HANDSHAKE.join('\r\n') + END_OF_HEAD), at_once]));
    return pairOf(await accepted.promise, far);
  };

  /** The far end is a server, whose frames are not masked. */
  const fromServer = async (at_once: Buffer = Buffer.alloc(0)): Promise<Pair> => {
    const ends = Promise.withResolvers<Socket>();
    bare.script((socket, request) => {
      socket.write(Buffer.concat([Buffer.from(switchedTo(request)), at_once]));
      ends.resolve(socket);
    });
    const socket = new HeldWebSocket(bare.url, [], { ...WEB_SOCKET_OPTIONS, maxPayload: LIMIT });
    const peer = Promise.withResolvers<Peer>();
    socket.once('upgrade', ({ socket: connection }) => {
      socket.once('open', () => peer.resolve(createPeer(socket, connection, { stall_timeout_ms })));
    });
    return pairOf(await peer.promise, await ends.promise);
  };

  /** Both forms of a peer, and whether its far end has to mask. */
  const BOTH = [
    [fromClient, true],
    [fromServer, false],
  ] as const;

  it('receives messages byte for byte in their order, in whatever pieces they come', async () => {
    const frame = fc.record({
      opcode: fc.constantFrom(OPCODES.text, OPCODES.binary, OPCODES.ping, OPCODES.pong),
      // The lengths around which a frame's head grows.
      size: fc.oneof(fc.nat(130), fc.integer({ min: 65_530, max: 65_540 })),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(frame, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 50 }),
        fc.constantFrom(...BOTH),
        async (frames, sizes, [open, is_masked]) => {
          const pair = await open();
          const sent = frames.map(({ opcode, size }, index) => {
            const payload = Buffer.alloc(opcode >= OPCODES.ping ? size % 126 : size, 97 + index);
            return { kind: NAMES[opcode], payload };
          });
          const bytes = Buffer.concat([
            ...sent.map(({ kind, payload }) => frameOf(OPCODES[kind], payload, { is_masked })),
            frameOf(OPCODES.close, closePayload(1000, 'done'), { is_masked }),
          ]);
          for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
            const size = sizes[turn % sizes.length]!;
            pair.far.write(bytes.subarray(at, at + size));
            at += size;
          }
          const end = { kind: 'close', frame: { code: 1000, reason: Buffer.from('done') } };
          assert.deepEqual(await receivedFrom(pair), [...sent, end]);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('joins the fragments of a message, and receives a ping that comes between them first', async () => {
    for (const [open, is_masked] of BOTH) {
      const pair = await open();
      pair.far.write(
        Buffer.concat([
          frameOf(OPCODES.text, 'a', { is_masked, is_final: false }),
          frameOf(OPCODES.ping, '', { is_masked }),
          frameOf(OPCODES.continuation, 'b', { is_masked, is_final: false }),
          frameOf(OPCODES.continuation, 'c', { is_masked }),
          frameOf(OPCODES.close, '', { is_masked }),
        ]),
      );
      assert.deepEqual(await receivedFrom(pair), [
        { kind: 'ping', payload: Buffer.alloc(0) },
        { kind: 'text', payload: Buffer.from('abc') },
        { kind: 'close', frame: { code: 1005, reason: Buffer.alloc(0) } },
      ]);
    }
  });

  it('reports a breach of the protocol with the close code that names it', async () => {
    for (const [hex, close_code, open] of [
      ['c100', 1002, fromServer],
      ['a100', 1002, fromServer],
      ['8100', 1002, fromClient],
      ['818001020304', 1002, fromServer],
      ['8300', 1002, fromServer],
      ['8b00', 1002, fromServer],
      ['8000', 1002, fromServer],
      ['01008100', 1002, fromServer],
      ['0900', 1002, fromServer],
      ['897e007e', 1002, fromServer],
      ['8101ff', 1007, fromServer],
      ['827f00000000000186a1', 1009, fromServer],
      ['827fffffffffffffffff', 1009, fromServer],
      ['82ff00000000000186a101020304', 1009, fromClient],
      ['8183000000006162', 1006, fromClient],
    ] as const) {
      const pair = await open();
      pair.far.end(Buffer.from(hex, 'hex'));
      // Half of a frame is a connection that was cut, not a breach.
      if (close_code === 1006) assert.deepEqual(await receivedFrom(pair), [{ kind: 'gone' }]);
      else assert.equal(await faultFrom(pair), close_code, hex);
    }
  });

  it('receives or reports any bytes, and fails in no other way', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 200 })),
        fc.constantFrom(...BOTH),
        async (pieces, [open]) => {
          const pair = await open();
          for (const piece of pieces) pair.far.write(piece);
          pair.far.end();
          const { kind } = (await receivedFrom(pair)).at(-1)!;
          assert.ok(kind === 'close' || kind === 'fault' || kind === 'gone', kind);
          void pair.peer.close(1002, '');
          await pair.peer.closed;
        },
      ),
      { numRuns: 150 },
    );
  });

  it('receives the messages that come before a fault in the same piece', async () => {
    const pair = await fromServer(Buffer.concat([frameOf(OPCODES.text, 'a'), Buffer.from([0xff, 0xff])]));
    const [first, last] = await receivedFrom(pair);
    assert.deepEqual(first, { kind: 'text', payload: Buffer.from('a') });
    assert.equal(last!.kind, 'fault');
  });

  it('reports a message of more than 16,384 fragments as too large, even if all are empty', async () => {
    const pair = await fromServer();
    pair.far.write(Buffer.concat([Buffer.from([0x01, 0]), Buffer.alloc(2 * 16_384)]));
    assert.equal(await faultFrom(pair), 1009);
  });

  it('receives close frames with a code that applications may send, or with none, and reports all others', async () => {
    for (const [payload, code] of [
      [[], 1005],
      [[0x03, 0xe8], 1000],
      [[0x13, 0x87, 0x61], 4999],
    ] as const) {
      const pair = await fromServer(frameOf(OPCODES.close, Buffer.from(payload)));
      const [last] = await receivedFrom(pair);
      assert.ok(last?.kind === 'close');
      assert.equal(last.frame.code, code);
    }
    for (const bad of [[3], [0x03, 0xed], [0x03, 0xee], [0x07, 0xd0], [0x13, 0x88], [0x03, 0xe8, 0xff]]) {
      const expected = bad.length === 3 ? 1007 : 1002;
      assert.equal(await faultFrom(await fromServer(frameOf(OPCODES.close, Buffer.from(bad)))), expected, String(bad));
    }
  });

  it('keeps messages that come with the handshake until they are taken', async () => {
    for (const [open, is_masked] of BOTH) {
      const bytes = [frameOf(OPCODES.text, 'early', { is_masked }), frameOf(OPCODES.close, '', { is_masked })];
      const pair = await open(Buffer.concat(bytes));
      await new Promise(setImmediate);
      assert.deepEqual((await receivedFrom(pair))[0], { kind: 'text', payload: Buffer.from('early') });
    }
  });

  it('leaves a close frame and a broken frame unanswered until it is closed', async () => {
    for (const [open, is_masked] of BOTH) {
      for (const bytes of [
        frameOf(OPCODES.close, closePayload(4321, 'bye'), { is_masked }),
        Buffer.from([0xff, 0xff]),
      ]) {
        const pair = await open();
        pair.far.write(bytes);
        const [last] = await receivedFrom(pair);
        assert.deepEqual([pair.peer.is_open, pair.peer.has_ended], [true, true]);
        assert.equal(pair.arrived().length, 0);
        const answer = await pair.peer.close(4000, 'now');
        await pair.peer.closed;
        await until(() => pair.arrived().length > 0, 'the close frame came');
        assert.equal(pair.arrived()[0], 0x80 | OPCODES.close);
        if (last!.kind === 'close') assert.deepEqual(answer, { code: 4321, reason: Buffer.from('bye') });
        else assert.equal(answer, null);
      }
    }
  });

  it('closes even if its far end neither answers nor reads, and then reports no answer', async () => {
    for (const [open] of BOTH) {
      const { peer, far } = await open();
      far.pause();
      const ended = peer.receive(() => undefined);
      assert.equal(await peer.close(1000, ''), null);
      await peer.closed;
      await ended;
      assert.equal(peer.is_open, false);
    }
  });

  it('takes one message at a time, and makes its far end wait meanwhile', async () => {
    for (const [open, is_masked] of BOTH) {
      const { peer, far } = await open();
      const going_on = Promise.withResolvers<void>();
      let taken = 0;
      void peer.receive(() => {
        taken += 1;
        return taken === 1 ? going_on.promise : undefined;
      });
      const frame = frameOf(OPCODES.binary, Buffer.alloc(LIMIT), { is_masked });
      const MANY = 1_000;
      let written = 0;
      const write = (): void => {
        while (written < MANY) {
          written += 1;
          if (!far.write(frame)) return;
        }
      };
      far.on('drain', write);
      write();
      let before = -1;
      // The kernel's buffers take a part of it; then nothing moves any more.
      await until(async () => {
        const is_still = written === before;
        before = written;
        await new Promise((resolve) => setTimeout(resolve, 50));
        return is_still;
      }, 'nothing is taken any more');
      assert.equal(taken, 1);
      assert.ok(written < MANY / 2, `${written} of ${MANY} messages of 100 kB were taken`);
      going_on.resolve();
      await until(() => taken >= MANY, 'everything is taken');
    }
  });

  it('takes nothing more after an error, which it reports, and still sees the end of the connection', async () => {
    const pair = await fromClient(frameOf(OPCODES.text, 'a', { is_masked: true }));
    await assert.rejects(
      pair.peer.receive(() => Promise.reject(new Error('it cannot be handled'))),
      /cannot be handled/,
    );
    pair.far.write(frameOf(OPCODES.text, 'b', { is_masked: true }));
    pair.far.destroy();
    await pair.peer.closed;
  });

  it('makes senders wait while its far end does not read, and drops a far end that never does', async () => {
    stall_timeout_ms = 300;
    for (const [open] of BOTH) {
      const { peer, far } = await open();
      far.pause();
      const piece = Buffer.alloc(LIMIT);
      for (let sent = 0; peer.is_open; sent += 1) {
        assert.ok(sent < 1_000, 'it never waits');
        await peer.send('binary', piece);
      }
      await peer.closed;
      assert.equal(peer.send('text', piece), undefined, 'what is sent to a peer that is gone waits for nothing');
    }
  });

  it('lets senders go on once its far end reads again', async () => {
    for (const [open] of BOTH) {
      const { peer, far, arrived } = await open();
      far.pause();
      const piece = Buffer.alloc(LIMIT, 7);
      let is_waiting = false;
      let waiting: Promise<void> | undefined;
      let sent = 0;
      // The kernel's buffers take a part of it; then nothing moves any more.
      while (!is_waiting) {
        assert.ok(sent < 1_000, 'it never waits');
        is_waiting = true;
        sent += 1;
        waiting = peer.send('binary', piece)!.then(() => {
          is_waiting = false;
        });
        for (let turn = 0; is_waiting && turn < 20; turn += 1) await new Promise(setImmediate);
      }
      far.resume();
      await waiting;
      await until(() => arrived().length >= sent * LIMIT, 'everything has come');
      assert.equal(peer.is_open, true);
    }
  });

  it('reports a far end that resets the connection as gone', async () => {
    for (const [open] of BOTH) {
      const pair = await open();
      pair.far.resetAndDestroy();
      assert.deepEqual(await receivedFrom(pair), [{ kind: 'gone' }]);
      assert.equal(await pair.peer.close(1000, ''), null);
    }
  });
});

const NAMES = {
  [OPCODES.text]: 'text',
  [OPCODES.binary]: 'binary',
  [OPCODES.ping]: 'ping',
  [OPCODES.pong]: 'pong',
} as const;
