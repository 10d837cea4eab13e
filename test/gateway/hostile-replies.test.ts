import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { ErrorCode } from '../../src/core/errors.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { Reply } from '../support/http.ts';
import { PROVIDER_WIRES, type ProviderProtocol, sentTo, WAYS, type Way } from '../support/protocols.ts';
import { chunkOf, pour, type RawUpstream, STREAM_HEAD, startRawUpstream, wholeHead } from '../support/raw-upstream.ts';

const LIMITS = {
  headers_timeout_ms: 5_000,
  idle_timeout_ms: 5_000,
  total_timeout_ms: 2_500,
  max_response_bytes: 200_000,
  max_stream_bytes: 1_000_000,
  max_event_bytes: 100_000,
};
const HUNDRED_MB = 100_000_000;
// What the gateway may keep of all replies at once, with what Node's sockets keep on the way.
const MEMORY_MAX_BYTES = 64 * 2 ** 20;

interface Hostility {
  readonly name: string;
  /** What the client and the record have; null where the reply is as good as any. */
  readonly code: ErrorCode | null;
  /** Of a stream, where it is another. */
  readonly streamed_code?: ErrorCode | null;
  /** Whether it makes sense only where the provider's streams have an end of their own. */
  readonly needs_end?: true;
  readonly answer: (socket: Socket, provider: ProviderProtocol, stream: boolean) => void;
}

const FRAME = (provider: ProviderProtocol): string => provider.frames(['word '])[provider.head]!;
const head = (stream: boolean): string => (stream ? STREAM_HEAD : chunkedHead('application/json'));
const chunkedHead = (type: string): string => STREAM_HEAD.replace('text/event-stream', type);

/** Writes `piece` for ever, or until so many bytes were written. */
const forever = (socket: Socket, piece: Buffer, most_bytes = Number.POSITIVE_INFINITY): void => {
  let bytes = 0;
  pour(socket, () => {
    bytes += piece.length;
    return bytes > most_bytes ? null : piece;
  });
};

/** One byte now and then. */
const drip = (socket: Socket, bytes: string): void => {
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed) clearInterval(timer);
    else socket.write(bytes[at++ % bytes.length]!);
  }, 20);
};

const LETTERS = Buffer.alloc(65_536, 'x');
const SPACES = chunkOf(Buffer.alloc(65_536, ' '));
const BOMB = gzipSync(Buffer.alloc(HUNDRED_MB));
const DEEP = `{"choices":${'['.repeat(20_000)}${']'.repeat(20_000)},"content":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;

const HOSTILITIES: readonly Hostility[] = [
  {
    name: 'a line of 100 MB',
    code: 'provider_malformed',
    answer: (socket, _provider, stream) => {
      socket.write(head(stream) + chunkOf(stream ? 'data: {"x":"' : '{"x":"').toString());
      forever(socket, chunkOf(LETTERS), HUNDRED_MB);
    },
  },
  {
    name: '100 MB that are announced',
    code: 'provider_malformed',
    answer: (socket, _provider, stream) => {
      socket.write(wholeHead(HUNDRED_MB, stream ? 'text/event-stream' : 'application/json'));
      forever(socket, LETTERS, HUNDRED_MB);
    },
  },
  {
    name: 'a body without end',
    code: 'provider_malformed',
    answer: (socket, provider, stream) => {
      socket.write(head(stream));
      if (stream) for (const frame of provider.frames([]).slice(0, provider.head)) socket.write(chunkOf(frame));
      forever(socket, stream ? chunkOf(FRAME(provider)) : SPACES);
    },
  },
  {
    name: 'comments without end',
    code: 'provider_malformed',
    answer: (socket, _provider, stream) => {
      socket.write(head(stream));
      forever(socket, chunkOf(': x\n\n'.repeat(1_000)));
    },
  },
  {
    name: 'blank lines without end',
    code: 'provider_malformed',
    answer: (socket, _provider, stream) => {
      socket.write(head(stream));
      forever(socket, chunkOf('\n'.repeat(1_000)));
    },
  },
  {
    name: 'a compression bomb',
    code: 'provider_malformed',
    answer: (socket, _provider, stream) => {
      const type = stream ? 'text/event-stream' : 'application/json';
      socket.write(wholeHead(`${BOMB.length}\r\ncontent-encoding: gzip`, type));
      socket.write(BOMB);
    },
  },
  {
    name: 'a slow drip',
    code: 'provider_timeout',
    answer: (socket, _provider, stream) => {
      socket.write(wholeHead(10_000, stream ? 'text/event-stream' : 'application/json'));
      drip(socket, stream ? 'data: {"x":"' : '{"x":"');
    },
  },
  {
    name: 'headers that drip',
    code: 'provider_timeout',
    answer: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nx-slow: ');
      drip(socket, 'x');
    },
  },
  {
    name: 'interim replies without end',
    code: 'provider_timeout',
    answer: (socket) => drip(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n'),
  },
  {
    name: 'headers that are too large',
    code: 'provider_malformed',
    answer: (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nx-large: ${'x'.repeat(100_000)}\r\ncontent-length: 2\r\n\r\n{}`);
    },
  },
  {
    name: 'more headers than fit',
    code: 'provider_malformed',
    answer: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      forever(socket, Buffer.from('x-one: more\r\n'.repeat(100)), HUNDRED_MB);
    },
  },
  {
    name: 'something that is not HTTP',
    code: 'provider_malformed',
    answer: (socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'),
  },
  {
    name: 'two lengths',
    code: 'provider_malformed',
    answer: (socket, provider) => {
      const body = provider.whole('x');
      socket.write(`${wholeHead(`${body.length}\r\ncontent-length: 5`)}${body}`);
    },
  },
  {
    name: 'less than its length says',
    code: 'provider_disconnected',
    answer: (socket, provider, stream) => {
      const body = stream ? FRAME(provider).slice(0, 20) : provider.whole('x');
      socket.end(`${wholeHead(body.length + 1_000, stream ? 'text/event-stream' : 'application/json')}${body}`);
    },
  },
  {
    name: 'more than its length says',
    code: 'provider_malformed',
    streamed_code: 'provider_disconnected',
    answer: (socket, provider, stream) => {
      const body = stream ? FRAME(provider) : provider.whole('x');
      socket.write(`${wholeHead(20, stream ? 'text/event-stream' : 'application/json')}${body}`);
    },
  },
  {
    name: 'no body',
    code: 'provider_malformed',
    streamed_code: 'provider_disconnected',
    answer: (socket, _provider, stream) =>
      socket.write(wholeHead(0, stream ? 'text/event-stream' : 'application/json')),
  },
  {
    name: 'a reset of its connection',
    code: 'provider_disconnected',
    answer: (socket) => socket.resetAndDestroy(),
  },
  {
    name: 'wrong JSON',
    code: 'provider_malformed',
    answer: (socket, provider, stream) => {
      const body = stream ? 'data: {"choices":[}\n\n' : `${provider.whole('x')}}`;
      socket.write(`${wholeHead(body.length, stream ? 'text/event-stream' : 'application/json')}${body}`);
    },
  },
  {
    name: 'JSON of the wrong types',
    code: 'provider_malformed',
    answer: (socket, _provider, stream) => {
      const json = '{"type":"message_start","message":7,"choices":{"a":1},"candidates":{"c":3},"content":{"b":2}}';
      const body = stream ? `data: ${json}\n\n` : json;
      socket.write(`${wholeHead(body.length, stream ? 'text/event-stream' : 'application/json')}${body}`);
    },
  },
  {
    name: 'JSON that is nested too deeply',
    code: 'provider_malformed',
    answer: (socket, _provider, stream) => {
      const body = stream ? `data: ${DEEP}\n\n` : DEEP;
      socket.write(`${wholeHead(body.length, stream ? 'text/event-stream' : 'application/json')}${body}`);
    },
  },
  ...['text/html', 'image/png', 'application/xml; charset="\u00ff"'].map((type): Hostility => {
    const body = '<html>Bad Gateway</html>';
    return {
      name: `a body of type ${type}`,
      code: 'provider_malformed',
      answer: (socket) => socket.write(Buffer.from(wholeHead(body.length, type) + body, 'latin1')),
    };
  }),
  {
    name: 'a stream for a whole reply, and a whole reply for a stream',
    code: 'provider_malformed',
    answer: (socket, provider, stream) => {
      const body = stream ? provider.whole('x') : provider.frames(['x']).join('');
      socket.write(`${wholeHead(body.length, stream ? 'application/json' : 'text/event-stream')}${body}`);
    },
  },
  {
    name: 'garbage after the end',
    code: null,
    answer: (socket, provider, stream) => {
      const body = stream ? provider.frames(['x']).join('') : provider.whole('x');
      const type = stream ? 'text/event-stream' : 'application/json';
      socket.write(`${wholeHead(body.length, type)}${body}HTTP/1.1 500 Oh\r\n\r\n<garbage>${'x'.repeat(1_000)}`);
    },
  },
  {
    name: 'garbage after the last event of a stream that stays open',
    code: null,
    needs_end: true,
    answer: (socket, provider, stream) => {
      const body = provider.whole('x');
      if (!stream) socket.write(`${wholeHead(body.length)}${body}`);
      else socket.write(STREAM_HEAD + chunkOf(`${provider.frames(['x']).join('')}\u0000<garbage>`).toString());
    },
  },
  {
    name: 'an error without end',
    code: 'provider_error',
    answer: (socket) => {
      socket.write(chunkedHead('text/html').replace('200 OK', '500 Oh'));
      forever(socket, chunkOf(LETTERS));
    },
  },
  {
    name: 'a compressed error',
    code: 'provider_error',
    answer: (socket) => {
      socket.write(wholeHead(`${BOMB.length}\r\ncontent-encoding: gzip`).replace('200 OK', '503 Oh'));
      socket.write(BOMB);
    },
  },
  {
    name: 'an error whose body is cut',
    code: 'provider_rate_limited',
    answer: (socket) => socket.end(`${wholeHead(1_000).replace('200 OK', '429 Oh')}{"error":`),
  },
  {
    name: 'a way elsewhere',
    code: 'provider_error',
    answer: (socket) =>
      socket.write(wholeHead('0\r\nlocation: http://169.254.169.254/latest/meta-data').replace('200 OK', '307 Oh')),
  },
];

const PATHS = { anthropic: '/v1/messages', google: '/v1beta/models/' } as const;

const ATTEMPTS: Readonly<Partial<Record<ErrorCode, number>>> = {
  provider_timeout: 1,
  provider_rate_limited: 1,
};

describe('a hostile provider', () => {
  let gateway: TestGateway;
  let upstream: RawUpstream;

  before(async () => {
    upstream = await startRawUpstream();
    upstream.script((socket, request) => {
      const [, number = '0', stream] = /hostility (\d+) (whole|stream)/.exec(request) ?? [];
      const name = (['anthropic', 'google'] as const).find((each) => request.startsWith(`POST ${PATHS[each]}`));
      const provider = PROVIDER_WIRES[name ?? 'openai'];
      HOSTILITIES[Number(number)]!.answer(socket, provider, stream === 'stream');
    });
    gateway = await startTestGateway({
      limits: LIMITS,
      base_urls: { openai: `${upstream.url}/v1`, anthropic: upstream.url, google: upstream.url },
    });
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  /** Whatever the client has, it has it in the words of its protocol, and the record says the same. */
  const assertCut = async (way: Way, stream: boolean, code: ErrorCode, reply: Reply) => {
    const { client } = way;
    const has_begun = reply.status === 200;
    if (has_begun) assert.equal(client.brokenBy(reply.text), code, reply.text.slice(-500));
    else assert.equal(client.errorCode(reply.json), code, reply.text);
    assert.ok(!has_begun || stream, 'only a stream may break');
    const call = await gateway.recorded(reply.request_id);
    assert.equal(call.error_code, code);
    assert.equal(call.http_status, reply.status);
    assert.equal(call.response_status, code === 'provider_timeout' ? 'TIMEOUT' : 'ERROR');
    assert.equal(call.is_streamed, stream);
    assert.equal(call.route!.attempts.at(-1)!.error_code, code);
    assert.equal(call.route!.attempts.length, has_begun ? 1 : (ATTEMPTS[code] ?? 2));
    if (!has_begun) assert.equal(call.customer_cost, '0');
  };

  const assertWhole = async ({ client }: Way, stream: boolean, reply: Reply) => {
    assert.equal(reply.status, 200, reply.text);
    assert.ok(!reply.text.includes('garbage'));
    if (stream) assert.ok(client.isWhole(reply.text));
    assert.equal((await gateway.recorded(reply.request_id)).response_status, 'SUCCESS');
  };

  for (const [number, { name, code, streamed_code, needs_end }] of HOSTILITIES.entries()) {
    it(`that sends ${name} ${code === null ? 'harms no call' : `is cut, told as ${code} and recorded`}`, async () => {
      const before = memory();
      let most = before;
      const watch = setInterval(() => {
        most = Math.max(most, memory());
      }, 5);
      const ways = WAYS.filter(({ provider }) => needs_end !== true || provider.has_end);
      const cases = ways.flatMap((way) => [false, true].map((stream) => ({ way, stream })));
      const replies = await Promise.all(
        cases.map(({ way, stream }) => {
          const content = `hostility ${number} ${stream ? 'stream' : 'whole'}`;
          return gateway.send(sentTo(gateway, way, content, stream));
        }),
      );
      clearInterval(watch);
      assert.ok(most - before < MEMORY_MAX_BYTES, `${most - before} bytes were held`);
      for (const [at, { way, stream }] of cases.entries()) {
        const reply = replies[at]!;
        const expected = stream && streamed_code !== undefined ? streamed_code : code;
        if (expected === null) await assertWhole(way, stream, reply);
        else await assertCut(way, stream, expected, reply);
      }
    });
  }

  it('leaves the gateway serving, with nothing under way', async () => {
    assert.equal((await gateway.get('/health/readiness')).status, 200);
    assert.match((await gateway.get('/metrics')).text, /^onevault_calls_in_flight 0$/m);
  });
});

/** What buffers hold outside of the heap: what comes from sockets is held there. */
const memory = (): number => process.memoryUsage().arrayBuffers;
