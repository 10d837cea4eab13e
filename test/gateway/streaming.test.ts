import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import Anthropic from '@anthropic-ai/sdk';
import { systemClock } from '../../src/core/clock.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type ClientResponse, until } from '../support/http.ts';
import { PAIRS_WITH_END, type ProtocolPair, sentTo } from '../support/protocols.ts';
import { chunkOf, LAST_CHUNK, pour, type RawUpstream, STREAM_HEAD, startRawUpstream } from '../support/raw-upstream.ts';

const WORDS = Array.from({ length: 12 }, (_, index) => `wörd-${index} `);
const [OPENAI_PASSED, ANTHROPIC_TO_OPENAI, OPENAI_TO_ANTHROPIC, ANTHROPIC_PASSED] = PAIRS_WITH_END as [
  ProtocolPair,
  ProtocolPair,
  ProtocolPair,
  ProtocolPair,
];

describe('a stream', () => {
  let gateway: TestGateway;
  let impatient_gateway: TestGateway;
  let upstream: RawUpstream;
  let late_ms = 0;

  before(async () => {
    upstream = await startRawUpstream();
    gateway = await startTestGateway({
      clock: { ...systemClock, now: () => systemClock.now() + late_ms },
      base_urls: { openai: `${upstream.url}/v1`, anthropic: upstream.url },
    });
    impatient_gateway = await startTestGateway({
      client_timeout_ms: 200,
      base_urls: { openai: `${upstream.url}/v1`, anthropic: upstream.url },
    });
  });
  after(async () => {
    await gateway.close();
    await impatient_gateway.close();
    await upstream.close();
  });

  const send = (pair: ProtocolPair): Promise<ClientResponse> => gateway.send(sentTo(gateway, pair, 'Hi', true));

  /** Opens a stream that the test reads itself. */
  const open = async (
    pair: ProtocolPair,
    to = gateway,
  ): Promise<{ request: ClientRequest; response: IncomingMessage }> => {
    const { path, method, headers, body } = sentTo(to, pair, 'Hi', true);
    const request = httpRequest(`${to.url}${path}`, { method, headers });
    request.on('error', () => {});
    request.end(body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.on('error', () => {});
    return { request, response };
  };

  const streamed = (pieces: readonly (string | Buffer)[]): void =>
    upstream.script((socket) =>
      socket.write(Buffer.concat([Buffer.from(STREAM_HEAD), ...pieces.map(chunkOf), Buffer.from(LAST_CHUNK)])),
    );

  for (const pair of PAIRS_WITH_END) {
    describe(`(${pair.name})`, () => {
      const { client, provider } = pair;
      const frames = provider.frames(WORDS);

      it('sends each frame before the provider writes the next one, including the first', async () => {
        let text = '';
        const saw = async (word: string): Promise<void> => {
          while (!text.includes(word)) await turn();
        };
        upstream.script(async (socket) => {
          socket.write(STREAM_HEAD);
          for (const [at, frame] of frames.entries()) {
            socket.write(chunkOf(frame));
            const word = WORDS[at - provider.head];
            if (word !== undefined) await saw(word);
          }
          socket.write(LAST_CHUNK);
        });
        const { response } = await open(pair);
        for await (const bytes of response.setEncoding('utf8')) text += bytes as string;
        assert.deepEqual(client.wordsOf(text).join(''), WORDS.join(''));
        assert.ok(client.isWhole(text));
      });

      it('is the same if every byte comes alone', async () => {
        streamed(frames);
        const whole = await send(pair);
        upstream.script(async (socket) => {
          socket.write(STREAM_HEAD);
          for (const byte of Buffer.from(frames.join(''))) {
            socket.write(chunkOf(Buffer.of(byte)));
            await turn();
          }
          socket.write(LAST_CHUNK);
        });
        const dripped = await send(pair);
        const created = /"created":\d+/g;
        assert.equal(dripped.text.replace(created, ''), whole.text.replace(created, ''));
        assert.deepEqual(client.wordsOf(dripped.text).join(''), WORDS.join(''));
      });

      it('is billed by the usage that the provider reports, although the client did not request it', async () => {
        streamed(frames);
        const client_response = await send(pair);
        const call = await gateway.recorded(client_response.request_id);
        assert.deepEqual([call.usage_source, call.prompt_tokens, call.completion_tokens], ['provider', 11, 7]);
        if (client.endpoint === '/v1/chat/completions') assert.ok(!client_response.text.includes('"usage"'));
      });

      it('ends with an error of its protocol when the provider breaks off', async () => {
        for (const end of ['cut', 'ended', 'garbage'] as const) {
          upstream.script((socket) => {
            socket.write(STREAM_HEAD);
            for (const frame of frames.slice(0, provider.head + 5)) socket.write(chunkOf(frame));
            if (end === 'garbage') socket.write(chunkOf('data: {"broken\n\n'));
            else if (end === 'ended') socket.write(LAST_CHUNK);
            else socket.end();
          });
          const client_response = await send(pair);
          const code = end === 'garbage' ? 'provider_malformed' : 'provider_disconnected';
          assert.equal(client.brokenBy(client_response.text), code);
          assert.equal(client.wordsOf(client_response.text).join(''), WORDS.slice(0, 5).join(''));
          const call = await gateway.recorded(client_response.request_id);
          assert.equal(call.response_status, 'ERROR');
          assert.equal(call.error_code, code);
          assert.equal(call.usage_source, 'counted');
          assert.ok(call.completion_tokens! >= 15 && call.completion_tokens! <= 40, `${call.completion_tokens}`);
        }
      });

      it('disconnects the provider when the client disconnects, and is billed by counted tokens', async () => {
        const gone = Promise.withResolvers<void>();
        upstream.script((socket) => {
          socket.once('close', () => gone.resolve());
          socket.write(STREAM_HEAD);
          for (const frame of frames.slice(0, provider.head + 8)) socket.write(chunkOf(frame));
        });
        const { request, response } = await open(pair);
        let text = '';
        response.setEncoding('utf8').on('data', (bytes: string) => {
          text += bytes;
        });
        await until(() => text.includes(WORDS[7]!), 'the client has eight words');
        request.destroy();
        await gone.promise;
        const id = String(response.headers['x-request-id']);
        const call = await settled(gateway, id);
        assert.equal(call.response_status, 'CANCELLED');
        assert.equal(call.route!.attempts.length, 1);
        assert.equal(call.usage_source, 'counted');
        assert.ok(call.completion_tokens! >= 24 && call.completion_tokens! <= 64, `${call.completion_tokens}`);
        assert.ok(BigInt(call.customer_cost!) > 0n);
      });

      it('makes the provider wait for a slow client, and delivers every frame', async () => {
        const FRAMES = 1_500;
        const [first, last] = [
          provider.frames(['']).slice(0, provider.head),
          provider.frames(['']).slice(provider.head + 1),
        ];
        const word = 'Q'.repeat(40_000);
        const frame = chunkOf(provider.frames([word])[provider.head]!);
        let written = 0;
        upstream.script((socket) => {
          socket.write(Buffer.concat([Buffer.from(STREAM_HEAD), ...first.map(chunkOf)]));
          pour(socket, () => {
            written += 1;
            if (written <= FRAMES) return frame;
            if (written === FRAMES + 1) socket.write(Buffer.concat([...last.map(chunkOf), Buffer.from(LAST_CHUNK)]));
            return null;
          });
        });
        const { response } = await open(pair);
        const stood = await standstill(() => written);
        assert.ok(stood < FRAMES / 2, `${stood} frames of ${FRAMES} were read for a client that reads nothing`);
        let letters = 0;
        let tail = '';
        for await (const piece of response.setEncoding('utf8')) {
          letters += (piece as string).split('Q').length - 1;
          tail = (tail + (piece as string)).slice(-2_000);
        }
        assert.equal(letters, FRAMES * word.length);
        assert.ok(client.isWhole(tail));
      });

      it('ends with its last event, whatever the provider sends after it, and keeps the connection', async () => {
        const before = upstream.connections();
        for (let call = 0; call < 3; call += 1) {
          streamed([...frames, ': bye\n\n', 'data: {"more":true}\n\n']);
          const client_response = await send(pair);
          assert.ok(client.isWhole(client_response.text));
          assert.ok(!client_response.text.includes('more') && !client_response.text.includes('bye'));
        }
        assert.ok(upstream.connections() <= before + 1, 'the connection is used again');
        upstream.script((socket) => {
          socket.write(Buffer.concat([Buffer.from(STREAM_HEAD), ...frames.map(chunkOf)]));
          const junk = chunkOf(': for ever\n\n'.repeat(1_000));
          pour(socket, () => junk);
        });
        const endless = await send(pair);
        assert.ok(client.isWhole(endless.text));
        assert.equal((await gateway.recorded(endless.request_id)).response_status, 'SUCCESS');
      });

      it('disconnects a client that reads nothing for too long, and the provider', async () => {
        const gone = Promise.withResolvers<void>();
        const frame = chunkOf(provider.frames(['Q'.repeat(40_000)])[provider.head]!);
        upstream.script((socket) => {
          socket.once('close', () => gone.resolve());
          socket.write(Buffer.concat([Buffer.from(STREAM_HEAD), ...frames.slice(0, provider.head).map(chunkOf)]));
          pour(socket, () => frame);
        });
        const { request, response } = await open(pair, impatient_gateway);
        await gone.promise;
        const call = await settled(impatient_gateway, String(response.headers['x-request-id']));
        assert.equal(call.response_status, 'CANCELLED');
        assert.equal(call.usage_source, 'counted');
        request.destroy();
      });
    });
  }

  for (const pair of [OPENAI_PASSED, ANTHROPIC_PASSED]) {
    it(`(${pair.name}) keeps comments, ids, unknown events, fields and line ends byte for byte`, async () => {
      const frames = pair.provider.frames(WORDS);
      const text = [
        ': a comment first\n\n',
        ...frames.slice(0, pair.provider.head + 1),
        'id: 7\r\nretry: 10\r\n\r\n',
        ': alive\n',
        '\n',
        frames[pair.provider.head + 1]!.replace('data: ', 'id: 8\r\n: within\ndata:'),
        'event: new_event\ndata: { "x":1.0,\ndata: "choices":[], "big":12345678901234567890 }\nunknown: y\n\n',
        ...frames.slice(pair.provider.head + 2),
      ]
        .filter((frame) => !frame.includes('"choices":[],"usage"'))
        .join('');
      streamed([text]);
      assert.equal((await send(pair)).text, text);
      streamed([...Buffer.from(text)].map((byte) => Buffer.of(byte)));
      assert.equal((await send(pair)).text, text);
    });
  }

  it('sends a comment of the provider before the first event', async () => {
    const saw = Promise.withResolvers<void>();
    upstream.script(async (socket) => {
      socket.write(STREAM_HEAD + chunkOf(': PROCESSING\n\n').toString());
      await saw.promise;
      for (const frame of OPENAI_PASSED.provider.frames(WORDS)) socket.write(chunkOf(frame));
      socket.write(LAST_CHUNK);
    });
    const { response } = await open(OPENAI_PASSED);
    let text = '';
    for await (const bytes of response.setEncoding('utf8')) {
      text += bytes as string;
      if (text.includes('PROCESSING')) saw.resolve();
    }
    assert.ok(text.startsWith(': PROCESSING\n\n'));
    const call = await gateway.recorded(String(response.headers['x-request-id']));
    assert.equal(call.response_status, 'SUCCESS');
  });

  it('keeps the connection alive when the provider sends only comments to a client of another protocol', async () => {
    for (const pair of [ANTHROPIC_TO_OPENAI, OPENAI_TO_ANTHROPIC]) {
      const { frames, head } = pair.provider;
      let text = '';
      upstream.script(async (socket) => {
        socket.write(STREAM_HEAD);
        for (const frame of frames(WORDS).slice(0, head + 1)) socket.write(chunkOf(frame));
        socket.write(chunkOf(': alive\n\n'));
        // The word after the comment shows that the gateway has read the comment.
        socket.write(chunkOf(frames(WORDS)[head + 1]!));
        while (!text.includes(WORDS[1]!)) await turn();
        late_ms += 11_000;
        socket.write(chunkOf(': alive\n\n'));
        while (!text.includes(': keep-alive')) await turn();
        for (const frame of frames(WORDS).slice(head + 2)) socket.write(chunkOf(frame));
        socket.write(LAST_CHUNK);
      });
      const { response } = await open(pair);
      for await (const bytes of response.setEncoding('utf8')) text += bytes as string;
      assert.equal(text.split(': keep-alive\n\n').length, 2);
      assert.equal(pair.client.wordsOf(text).join(''), WORDS.join(''));
    }
  });

  it("delivers calls that OpenAI interleaves to Anthropic's SDK", async () => {
    const chunk = (delta: object, finish_reason: string | null = null): string =>
      `data: ${JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
    const call = (index: number, text: string, name?: string) =>
      chunk({
        tool_calls: [
          {
            index,
            ...(name === undefined ? {} : { id: name }),
            function: { ...(name === undefined ? {} : { name }), arguments: text },
          },
        ],
      });
    streamed([
      call(0, '{"city":', 'weather'),
      call(1, '{"zone"', 'time'),
      call(0, '"Paris"'),
      call(1, ':"CET"}'),
      call(0, '}'),
      chunk({}, 'tool_calls'),
      'data: [DONE]\n\n',
    ]);
    const client = new Anthropic({ baseURL: gateway.url, apiKey: gateway.keys.api_key, maxRetries: 0 });
    const message = await client.messages
      .stream({ model: 'gpt-4o-mini', max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] })
      .finalMessage();
    assert.deepEqual(
      message.content.map((block) => block.type === 'tool_use' && [block.name, block.input]),
      [
        ['weather', { city: 'Paris' }],
        ['time', { zone: 'CET' }],
      ],
    );
  });
});

const settled = async (gateway: TestGateway, id: string) => {
  await until(
    async () => /^onevault_calls_in_flight 0$/m.test((await gateway.get('/metrics')).text),
    'no call is in flight',
  );
  return gateway.recorded(id);
};

// Far longer than it takes to fill every buffer on the way.
const STANDSTILL_MS = 300;

/** Waits until a count does not change any more. */
const standstill = async (read: () => number): Promise<number> => {
  for (;;) {
    const before = read();
    await sleep(STANDSTILL_MS);
    if (read() === before && before > 0) return before;
  }
};
