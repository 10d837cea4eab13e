import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { ErrorCode } from '../../src/core/errors.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { ClientResponse } from '../support/http.ts';
import {
  PROTOCOL_PAIRS,
  PROVIDER_PROTOCOLS,
  type ProtocolPair,
  type ProviderProtocol,
  sentTo,
} from '../support/protocols.ts';
import { chunkOf, pour, type RawUpstream, STREAM_HEAD, startRawUpstream, wholeHead } from '../support/raw-upstream.ts';

const LIMITS = {
  max_response_bytes: 200_000,
  max_stream_bytes: 1_000_000,
  max_event_bytes: 100_000,
};
// Far longer than any case needs, on any machine.
const LONG = { headers_timeout_ms: 60_000, idle_timeout_ms: 60_000, total_timeout_ms: 60_000 };
const SHORT = { ...LONG, total_timeout_ms: 1_000 };
const HUNDRED_MB = 100_000_000;
// Limit of the buffers of all responses at once, including those of Node's sockets.
const MEMORY_MAX_BYTES = 64 * 2 ** 20;

interface HostileResponse {
  readonly name: string;
  /** Error code of the client response and the record; null if the response is valid. */
  readonly code: ErrorCode | null;
  /** Error code of a stream, if it differs. */
  readonly streamed_code?: ErrorCode | null;
  /** True if it applies only to protocols whose streams have an end event. */
  readonly needs_end?: true;
  readonly respond: (socket: Socket, provider: ProviderProtocol, stream: boolean) => void;
}

const FRAME = (provider: ProviderProtocol): string => provider.frames(['word '])[provider.head]!;
const head = (stream: boolean): string => (stream ? STREAM_HEAD : chunkedHead('application/json'));
const chunkedHead = (type: string): string => STREAM_HEAD.replace('text/event-stream', type);

/** Writes `piece` without end, or up to a number of bytes. */
const forever = (socket: Socket, piece: Buffer, max_bytes = Number.POSITIVE_INFINITY): void => {
  let bytes = 0;
  pour(socket, () => {
    bytes += piece.length;
    return bytes > max_bytes ? null : piece;
  });
};

/** Writes one byte every 20 ms. */
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

const HOSTILE_RESPONSES: readonly HostileResponse[] = [
  {
    name: 'a line of 100 MB',
    code: 'provider_malformed',
    respond: (socket, _provider, stream) => {
      socket.write(head(stream) + chunkOf(stream ? 'data: {"x":"' : '{"x":"').toString());
      forever(socket, chunkOf(LETTERS), HUNDRED_MB);
    },
  },
  {
    name: 'a content length of 100 MB',
    code: 'provider_malformed',
    respond: (socket, _provider, stream) => {
      socket.write(wholeHead(HUNDRED_MB, stream ? 'text/event-stream' : 'application/json'));
      forever(socket, LETTERS, HUNDRED_MB);
    },
  },
  {
    name: 'a body without end',
    code: 'provider_malformed',
    respond: (socket, provider, stream) => {
      socket.write(head(stream));
      if (stream) for (const frame of provider.frames([]).slice(0, provider.head)) socket.write(chunkOf(frame));
      forever(socket, stream ? chunkOf(FRAME(provider)) : SPACES);
    },
  },
  {
    name: 'comments without end',
    code: 'provider_malformed',
    respond: (socket, _provider, stream) => {
      socket.write(head(stream));
      forever(socket, chunkOf(': x\n\n'.repeat(1_000)));
    },
  },
  {
    name: 'blank lines without end',
    code: 'provider_malformed',
    respond: (socket, _provider, stream) => {
      socket.write(head(stream));
      forever(socket, chunkOf('\n'.repeat(1_000)));
    },
  },
  {
    name: 'a compression bomb',
    code: 'provider_malformed',
    respond: (socket, _provider, stream) => {
      const type = stream ? 'text/event-stream' : 'application/json';
      socket.write(wholeHead(`${BOMB.length}\r\ncontent-encoding: gzip`, type));
      socket.write(BOMB);
    },
  },
  {
    name: 'a slow drip',
    code: 'provider_timeout',
    respond: (socket, _provider, stream) => {
      socket.write(wholeHead(10_000, stream ? 'text/event-stream' : 'application/json'));
      drip(socket, stream ? 'data: {"x":"' : '{"x":"');
    },
  },
  {
    name: 'headers that drip',
    code: 'provider_timeout',
    respond: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nx-slow: ');
      drip(socket, 'x');
    },
  },
  {
    name: 'interim responses without end',
    code: 'provider_timeout',
    respond: (socket) => drip(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n'),
  },
  {
    name: 'headers that are too large',
    code: 'provider_malformed',
    respond: (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nx-large: ${'x'.repeat(100_000)}\r\ncontent-length: 2\r\n\r\n{}`);
    },
  },
  {
    name: 'too many headers',
    code: 'provider_malformed',
    respond: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      forever(socket, Buffer.from('x-one: more\r\n'.repeat(100)), HUNDRED_MB);
    },
  },
  {
    name: 'something that is not HTTP',
    code: 'provider_malformed',
    respond: (socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'),
  },
  {
    name: 'two content lengths',
    code: 'provider_malformed',
    respond: (socket, provider) => {
      const body = provider.whole('x');
      socket.write(`${wholeHead(`${body.length}\r\ncontent-length: 5`)}${body}`);
    },
  },
  {
    name: 'less than its content length',
    code: 'provider_disconnected',
    respond: (socket, provider, stream) => {
      const body = stream ? FRAME(provider).slice(0, 20) : provider.whole('x');
      socket.end(`${wholeHead(body.length + 1_000, stream ? 'text/event-stream' : 'application/json')}${body}`);
    },
  },
  {
    name: 'more than its content length',
    code: 'provider_malformed',
    streamed_code: 'provider_disconnected',
    respond: (socket, provider, stream) => {
      const body = stream ? FRAME(provider) : provider.whole('x');
      socket.write(`${wholeHead(20, stream ? 'text/event-stream' : 'application/json')}${body}`);
    },
  },
  {
    name: 'no body',
    code: 'provider_malformed',
    streamed_code: 'provider_disconnected',
    respond: (socket, _provider, stream) =>
      socket.write(wholeHead(0, stream ? 'text/event-stream' : 'application/json')),
  },
  {
    name: 'a reset of its connection',
    code: 'provider_disconnected',
    respond: (socket) => socket.resetAndDestroy(),
  },
  {
    name: 'wrong JSON',
    code: 'provider_malformed',
    respond: (socket, provider, stream) => {
      const body = stream ? 'data: {"choices":[}\n\n' : `${provider.whole('x')}}`;
      socket.write(`${wholeHead(body.length, stream ? 'text/event-stream' : 'application/json')}${body}`);
    },
  },
  {
    name: 'JSON of the wrong types',
    code: 'provider_malformed',
    respond: (socket, _provider, stream) => {
      const json = '{"type":"message_start","message":7,"choices":{"a":1},"candidates":{"c":3},"content":{"b":2}}';
      const body = stream ? `data: ${json}\n\n` : json;
      socket.write(`${wholeHead(body.length, stream ? 'text/event-stream' : 'application/json')}${body}`);
    },
  },
  {
    name: 'JSON that is nested too deeply',
    code: 'provider_malformed',
    respond: (socket, _provider, stream) => {
      const body = stream ? `data: ${DEEP}\n\n` : DEEP;
      socket.write(`${wholeHead(body.length, stream ? 'text/event-stream' : 'application/json')}${body}`);
    },
  },
  ...['text/html', 'image/png', 'application/xml; charset="\u00ff"'].map((type): HostileResponse => {
    const body = '<html>Bad Gateway</html>';
    return {
      name: `a body of type ${type}`,
      code: 'provider_malformed',
      respond: (socket) => socket.write(Buffer.from(wholeHead(body.length, type) + body, 'latin1')),
    };
  }),
  {
    name: 'a stream instead of a whole response, and the reverse',
    code: 'provider_malformed',
    respond: (socket, provider, stream) => {
      const body = stream ? provider.whole('x') : provider.frames(['x']).join('');
      socket.write(`${wholeHead(body.length, stream ? 'application/json' : 'text/event-stream')}${body}`);
    },
  },
  {
    name: 'garbage after the end',
    code: null,
    respond: (socket, provider, stream) => {
      const body = stream ? provider.frames(['x']).join('') : provider.whole('x');
      const type = stream ? 'text/event-stream' : 'application/json';
      socket.write(`${wholeHead(body.length, type)}${body}HTTP/1.1 500 Oh\r\n\r\n<garbage>${'x'.repeat(1_000)}`);
    },
  },
  {
    name: 'garbage after the last event of a stream that stays open',
    code: null,
    needs_end: true,
    respond: (socket, provider, stream) => {
      const body = provider.whole('x');
      if (!stream) socket.write(`${wholeHead(body.length)}${body}`);
      else socket.write(STREAM_HEAD + chunkOf(`${provider.frames(['x']).join('')}\u0000<garbage>`).toString());
    },
  },
  {
    name: 'an error without end',
    code: 'provider_error',
    respond: (socket) => {
      socket.write(chunkedHead('text/html').replace('200 OK', '500 Oh'));
      forever(socket, chunkOf(LETTERS));
    },
  },
  {
    name: 'a compressed error',
    code: 'provider_error',
    respond: (socket) => {
      socket.write(wholeHead(`${BOMB.length}\r\ncontent-encoding: gzip`).replace('200 OK', '503 Oh'));
      socket.write(BOMB);
    },
  },
  {
    name: 'an error with an incomplete body',
    code: 'provider_rate_limited',
    respond: (socket) => socket.end(`${wholeHead(1_000).replace('200 OK', '429 Oh')}{"error":`),
  },
  {
    name: 'a redirect',
    code: 'provider_error',
    respond: (socket) =>
      socket.write(wholeHead('0\r\nlocation: http://169.254.169.254/latest/meta-data').replace('200 OK', '307 Oh')),
  },
];

const PATHS = { anthropic: '/v1/messages', google: '/v1beta/models/' } as const;

const ATTEMPTS: Readonly<Partial<Record<ErrorCode, number>>> = {
  provider_timeout: 1,
  provider_rate_limited: 1,
};

describe('a hostile provider', () => {
  let patient_gateway: TestGateway;
  let impatient_gateway: TestGateway;
  let upstream: RawUpstream;

  before(async () => {
    upstream = await startRawUpstream();
    upstream.script((socket, request) => {
      const [, number = '0', stream] = /hostility (\d+) (whole|stream)/.exec(request) ?? [];
      const name = (['anthropic', 'google'] as const).find((each) => request.startsWith(`POST ${PATHS[each]}`));
      const provider = PROVIDER_PROTOCOLS[name ?? 'openai'];
      HOSTILE_RESPONSES[Number(number)]!.respond(socket, provider, stream === 'stream');
    });
    const base_urls = { openai: `${upstream.url}/v1`, anthropic: upstream.url, google: upstream.url };
    patient_gateway = await startTestGateway({ limits: { ...LIMITS, ...LONG }, base_urls });
    impatient_gateway = await startTestGateway({ limits: { ...LIMITS, ...SHORT }, base_urls });
  });
  after(async () => {
    await patient_gateway.close();
    await impatient_gateway.close();
    await upstream.close();
  });

  /** Asserts that the client gets the error in its protocol's form, and that the record holds the same error. */
  const assertCut = async (
    gateway: TestGateway,
    pair: ProtocolPair,
    stream: boolean,
    code: ErrorCode,
    response: ClientResponse,
  ) => {
    const { client } = pair;
    const has_begun = response.status === 200;
    if (has_begun) assert.equal(client.brokenBy(response.text), code, response.text.slice(-500));
    else assert.equal(client.errorCode(response.json), code, response.text);
    assert.ok(!has_begun || stream, 'only a stream may break');
    const call = await gateway.recorded(response.request_id);
    assert.equal(call.error_code, code);
    assert.equal(call.http_status, response.status);
    assert.equal(call.response_status, code === 'provider_timeout' ? 'TIMEOUT' : 'ERROR');
    assert.equal(call.is_streamed, stream);
    assert.equal(call.route!.attempts.at(-1)!.error_code, code);
    assert.equal(call.route!.attempts.length, has_begun ? 1 : (ATTEMPTS[code] ?? 2));
    if (!has_begun) assert.equal(call.customer_cost, '0');
  };

  const assertWhole = async (
    gateway: TestGateway,
    { client }: ProtocolPair,
    stream: boolean,
    response: ClientResponse,
  ) => {
    assert.equal(response.status, 200, response.text);
    assert.ok(!response.text.includes('garbage'));
    if (stream) assert.ok(client.isWhole(response.text));
    assert.equal((await gateway.recorded(response.request_id)).response_status, 'SUCCESS');
  };

  for (const [number, { name, code, streamed_code, needs_end }] of HOSTILE_RESPONSES.entries()) {
    it(`that sends ${name} ${code === null ? 'harms no call' : `is disconnected, reported as ${code} and recorded`}`, async () => {
      const gateway = code === 'provider_timeout' ? impatient_gateway : patient_gateway;
      const before = memory();
      let max = before;
      const watch = setInterval(() => {
        max = Math.max(max, memory());
      }, 5);
      const pairs = PROTOCOL_PAIRS.filter(({ provider }) => needs_end !== true || provider.has_end);
      const cases = pairs.flatMap((pair) => [false, true].map((stream) => ({ pair, stream })));
      const responses = await Promise.all(
        cases.map(({ pair, stream }) => {
          const content = `hostility ${number} ${stream ? 'stream' : 'whole'}`;
          return gateway.send(sentTo(gateway, pair, content, stream));
        }),
      );
      clearInterval(watch);
      assert.ok(max - before < MEMORY_MAX_BYTES, `${max - before} bytes of buffers`);
      for (const [at, { pair, stream }] of cases.entries()) {
        const response = responses[at]!;
        const expected = stream && streamed_code !== undefined ? streamed_code : code;
        if (expected === null) await assertWhole(gateway, pair, stream, response);
        else await assertCut(gateway, pair, stream, expected, response);
      }
    });
  }

  it('does not stop the gateway, and leaves no call in flight', async () => {
    for (const gateway of [patient_gateway, impatient_gateway]) {
      assert.equal((await gateway.get('/health/readiness')).status, 200);
      assert.match((await gateway.get('/metrics')).text, /^onevault_calls_in_flight 0$/m);
    }
  });
});

/** Bytes of buffers outside the heap, where data from sockets is kept. */
const memory = (): number => process.memoryUsage().arrayBuffers;
