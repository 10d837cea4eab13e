import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';

interface Way {
  readonly name: string;
  readonly path: string;
  body(text: string): object;
}

const userMessage = (content: string) => [{ role: 'user', content }];
const parts = (text: string) => ({ contents: [{ role: 'user', parts: [{ text }] }] });

const STREAMS: readonly Way[] = [
  {
    name: 'chat completions',
    path: '/v1/chat/completions',
    body: (text) => ({ model: 'm', stream: true, messages: userMessage(text) }),
  },
  { name: 'responses', path: '/v1/responses', body: (text) => ({ model: 'm', stream: true, input: text }) },
  {
    name: 'messages',
    path: '/v1/messages',
    body: (text) => ({ model: 'm', stream: true, max_tokens: 99, messages: userMessage(text) }),
  },
  { name: 'Google events', path: '/v1beta/models/m:streamGenerateContent?alt=sse', body: parts },
];
const WHOLE: readonly Way[] = [
  {
    name: 'chat completions',
    path: '/v1/chat/completions',
    body: (text) => ({ model: 'm', messages: userMessage(text) }),
  },
  { name: 'responses', path: '/v1/responses', body: (text) => ({ model: 'm', input: text }) },
  {
    name: 'messages',
    path: '/v1/messages',
    body: (text) => ({ model: 'm', max_tokens: 99, messages: userMessage(text) }),
  },
  { name: 'Google', path: '/v1beta/models/m:generateContent', body: parts },
  {
    name: 'embeddings',
    path: '/v1/embeddings',
    body: (text) => ({ model: 'm', input: text, dimensions: 4 }),
  },
  { name: 'images', path: '/v1/images/generations', body: (text) => ({ prompt: text, size: '64x64' }) },
];

const HEADERS = {
  authorization: 'Bearer x',
  'x-api-key': 'x',
  'x-goog-api-key': 'x',
  'anthropic-version': '2023-06-01',
  'content-type': 'application/json',
};
const MEGABYTE = 1_048_576;

describe("the sandbox's hostile provider", () => {
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await startSandbox();
  });
  after(() => sandbox.close());

  const send = (way: Way, directive: string): Promise<Response> =>
    fetch(sandbox.url + way.path, {
      method: 'POST',
      headers: HEADERS,
      body: JSON.stringify(way.body(`Good morning to all of you [[sandbox: ${directive}]]`)),
    });
  const textOf = async (way: Way, directive: string): Promise<string> => (await send(way, directive)).text();
  const dataOf = (text: string): string[] =>
    text
      .split(/\r?\n/)
      .filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]')
      .map((line) => line.slice(6));

  /** Reads until `bytes` have arrived or the response ends, then leaves. */
  const readSome = async (response: Response, bytes: number): Promise<number> => {
    let read = 0;
    for await (const chunk of response.body!) {
      read += chunk.length;
      if (read >= bytes) break;
    }
    return read;
  };

  it('sends the same bytes every time', async () => {
    for (const way of [...STREAMS, ...WHOLE]) {
      for (const directive of ['bad_json', 'garbage_after', 'wrong_type', 'chunk_bytes=3', 'tokens=9']) {
        assert.equal(await textOf(way, directive), await textOf(way, directive), `${way.name} ${directive}`);
      }
    }
  });

  it('cuts JSON in its middle', async () => {
    for (const way of WHOLE) {
      const text = await textOf(way, 'bad_json');
      assert.ok(text.startsWith('{') && !isJson(text), way.name);
    }
    for (const way of STREAMS) {
      const broken = dataOf(await textOf(way, 'bad_json')).filter((data) => !isJson(data));
      assert.equal(broken.length, 1, way.name);
    }
  });

  it('sends JSON of the wrong types and nothing else', async () => {
    for (const way of STREAMS) {
      const found = dataOf(await textOf(way, 'wrong_type'));
      assert.ok(found.length === 1 && found.every(isJson), way.name);
    }
    for (const way of WHOLE) assert.ok(isJson(await textOf(way, 'wrong_type')), way.name);
  });

  it('sends invalid JSON after the end', async () => {
    for (const way of STREAMS) {
      const found = dataOf(await textOf(way, 'garbage_after'));
      assert.equal(
        found.findIndex((data) => !isJson(data)),
        found.length - 1,
        way.name,
      );
      assert.ok(found.length > 3, way.name);
    }
    for (const way of WHOLE) {
      const text = await textOf(way, 'garbage_after');
      assert.ok(isJson(text.slice(0, text.lastIndexOf('}') + 1)) && text.endsWith('</html>'), way.name);
    }
  });

  it('sends a comment before each event', async () => {
    for (const way of STREAMS) {
      const text = await textOf(way, 'comments');
      assert.equal(text.split('\n: keep-alive\n').length, dataOf(text).length + (text.includes('[DONE]') ? 1 : 0));
    }
  });

  it('cuts chunks within characters, and loses no byte', async () => {
    for (const way of [...STREAMS, ...WHOLE]) {
      const sent = 'Größe ✓ 𝄞 [[sandbox: chunk_bytes=1]]';
      const response = await fetch(sandbox.url + way.path, {
        method: 'POST',
        headers: HEADERS,
        body: JSON.stringify(way.body(sent)),
      });
      const text = await response.text();
      const found = response.headers.get('content-type')?.startsWith('text/') ? dataOf(text) : [text];
      assert.ok(found.every(isJson) && !text.includes('\ufffd'), way.name);
    }
  });

  it('sends single bytes with pauses', async () => {
    const way = WHOLE[4]!;
    const started = performance.now();
    const text = await textOf(way, 'drip_ms=1');
    assert.ok(isJson(text));
    assert.ok(performance.now() - started >= text.length, `${text.length} bytes`);
  });

  it('declares a length that is too long and closes, or one that is too short and continues', async () => {
    for (const way of [...STREAMS, ...WHOLE]) {
      const long = await send(way, 'content_length=100000000');
      assert.equal(long.headers.get('content-length'), '100000000');
      await assert.rejects(long.text(), way.name);
    }
    for (const way of WHOLE) {
      const bytes = await receiveRaw(sandbox, way.path, way.body('[[sandbox: content_length=5]]'));
      const [head = '', body = ''] = bytes.split('\r\n\r\n', 2);
      assert.match(head, /content-length: 5\r\n/, way.name);
      assert.ok(body.length > 5, way.name);
    }
  });

  it('sends a line of the requested length', async () => {
    for (const way of STREAMS) {
      const longest = Math.max(...dataOf(await textOf(way, 'long_line_mb=3')).map(({ length }) => length));
      assert.equal(longest, 3 * MEGABYTE + '{"padding":""}'.length, way.name);
    }
    for (const way of WHOLE) {
      const response = await send(way, 'long_line_mb=3');
      const body = (await response.json()) as { padding: string };
      assert.equal(body.padding.length, 3 * MEGABYTE, way.name);
    }
  });

  it('compresses a gigabyte into one or two megabytes, even if the client does not accept compression', async () => {
    const response = await send(WHOLE[0]!, 'bomb_mb=4');
    assert.equal(response.headers.get('content-encoding'), 'gzip');
    assert.equal(((await response.json()) as { padding: string }).padding.length, 4 * MEGABYTE);
    for (const way of [WHOLE[0]!, STREAMS[0]!]) {
      const packed = await receiveRaw(sandbox, way.path, way.body('[[sandbox: bomb_mb=1024]]'));
      assert.ok(packed.length > MEGABYTE / 2 && packed.length < 2 * MEGABYTE, `${way.name} ${packed.length}`);
    }
  });

  it('sends without end, within bounded memory, until the client leaves', async () => {
    for (const way of [...STREAMS, ...WHOLE]) {
      const response = await send(way, 'endless');
      assert.ok((await readSome(response, 2 * MEGABYTE)) >= 2 * MEGABYTE, way.name);
    }
    const before = process.memoryUsage.rss();
    const stalled = await Promise.all(STREAMS.map((way) => send(way, 'endless')));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const grown_mb = (process.memoryUsage.rss() - before) / MEGABYTE;
    assert.ok(grown_mb < 64, `${grown_mb} MB`);
    for (const response of stalled) await response.body?.cancel();
  });

  it('ends a stream with an error of its protocol, or without one', async () => {
    for (const way of STREAMS) {
      assert.match(await textOf(way, 'error_after=3'), /"error"/, way.name);
      await assert.rejects(textOf(way, 'cut_after=3'), way.name);
    }
    for (const way of WHOLE) await assert.rejects(textOf(way, 'cut_after=3'), way.name);
  });

  it('fails for the given number of times, counted for each request', async () => {
    const way = WHOLE[0]!;
    const statuses: number[] = [];
    for (let time = 0; time < 4; time += 1) statuses.push((await send(way, 'status=503 times=2')).status);
    assert.deepEqual(statuses, [503, 503, 200, 200]);
    assert.equal((await send(way, 'status=503, times=2')).status, 503);
  });
});

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** Everything that arrives on a new connection until it is closed, including headers. */
const receiveRaw = (sandbox: Sandbox, path: string, json: object): Promise<string> =>
  new Promise((resolve, reject) => {
    const body = JSON.stringify(json);
    const lines = Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}`);
    const socket = connect(sandbox.port, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += chunk;
    });
    socket.on('end', () => resolve(text)).on('error', reject);
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${lines.join('\r\n')}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  });
