import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { ERRORS } from '../../src/core/errors.ts';
import { jsonBody } from '../../src/gateway/ai/body-reader.ts';
import { createClientProtocols } from '../../src/gateway/ai/protocols/client-protocols.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, type ClientResponse } from '../support/http.ts';

/** A valid request of each endpoint, by its recorded path. */
const VALID: Readonly<Record<string, { readonly path?: string; readonly body: object }>> = {
  '/v1/chat/completions': {
    body: { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 9 },
  },
  '/v1/responses': { body: { model: 'claude-haiku-4-5', input: 'Hi', max_output_tokens: 16 } },
  '/v1/embeddings': { body: { model: 'text-embedding-3-small', input: 'Hi', dimensions: 8 } },
  '/v1/images/generations': { body: { model: 'gpt-image-1', prompt: 'Hi', n: 1 } },
  '/v1/audio/speech': { body: { model: 'gpt-4o-mini-tts', input: 'Hi', voice: 'alloy' } },
  '/v1/messages': {
    body: { model: 'gemini-2.5-flash', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] },
  },
  '/v1/messages/count_tokens': {
    body: { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] },
  },
  '/v1beta/models/{model}:generateContent': {
    path: '/v1beta/models/gpt-4o-mini:generateContent',
    body: { contents: [{ parts: [{ text: 'Hi' }] }], generationConfig: { maxOutputTokens: 9 } },
  },
  '/v1beta/models/{model}:streamGenerateContent': {
    path: '/v1beta/models/claude-haiku-4-5:streamGenerateContent',
    body: { contents: [{ parts: [{ text: 'Hi' }] }], generationConfig: { maxOutputTokens: 9 } },
  },
  '/v1beta/models/{model}:countTokens': {
    path: '/v1/models/gemini-2.5-flash:countTokens',
    body: { contents: [{ parts: [{ text: 'Hi' }] }] },
  },
  '/v1beta/models/{model}:embedContent': {
    path: '/v1beta/models/gemini-embedding-001:embedContent',
    body: { content: { parts: [{ text: 'Hi' }] } },
  },
  '/v1beta/models/{model}:batchEmbedContents': {
    path: '/v1beta/models/gemini-embedding-001:batchEmbedContents',
    body: { requests: [{ model: 'models/gemini-embedding-001', content: { parts: [{ text: 'Hi' }] } }] },
  },
  '/v1/ai/completions': { body: { prompt: 'Hi', max_tokens: 9 } },
  '/v1/ai/embeddings': { body: { input: 'Hi' } },
  '/v1/ai/images/generations': { body: { prompt: 'Hi' } },
};

const BODY_LIMIT_BYTES = 12_000_000;
const DEPTH = 100_000;

interface Raw {
  readonly body: Buffer | string;
  readonly headers?: Readonly<Record<string, string>>;
}

const text = (value: unknown): string => JSON.stringify(value);
const bytes = (...values: readonly number[]): Buffer => Buffer.from(values);

/** A valid body with one more field at its end, whose value is written unchanged. */
const withRaw = (valid: object, field: string, value: string): string =>
  `${text(valid).slice(0, -1)},${text(field)}:${value}}`;

/** Unreadable bodies: each is refused. */
const unreadable = (valid: object): Readonly<Record<string, Raw>> => ({
  'an empty body': { body: '' },
  'spaces alone': { body: ' \n\t ' },
  'two values': { body: text(valid) + text(valid) },
  'garbage after the end': { body: `${text(valid)}\0\0garbage` },
  'half of a body': { body: text(valid).slice(0, -1) },
  'UTF-16': { body: Buffer.from(text(valid), 'utf16le') },
  'a byte that is no UTF-8': { body: Buffer.concat([Buffer.from('{"a":"'), bytes(0xff), Buffer.from('"}')]) },
  'a surrogate as UTF-8': {
    body: Buffer.concat([Buffer.from('{"a":"'), bytes(0xed, 0xa0, 0x80), Buffer.from('"}')]),
  },
  'an overlong zero': {
    body: Buffer.concat([Buffer.from('{"a":"'), bytes(0xc0, 0x80), Buffer.from('"}')]),
  },
  'a control character in a text': { body: withRaw(valid, 'x', '"\u0001"') },
  'a number that JSON does not have': { body: withRaw(valid, 'x', 'NaN') },
  'a comment': { body: `/* */${text(valid)}` },
  gzip: { body: gzipSync(text(valid)), headers: { 'content-encoding': 'gzip' } },
  'gzip without compressed bytes': { body: text(valid), headers: { 'content-encoding': 'gzip' } },
  brotli: { body: brotliCompressSync(text(valid)), headers: { 'content-encoding': 'br' } },
  'an unknown encoding': { body: text(valid), headers: { 'content-encoding': 'gzip, x-rot13' } },
  'another type': { body: text(valid), headers: { 'content-type': 'text/plain;charset=utf-7' } },
  'more than the limit': { body: withRaw(valid, 'x', `"${'x'.repeat(BODY_LIMIT_BYTES)}"`) },
});

/** Unusual but valid JSON: an endpoint may serve or refuse it. */
const unusual = (valid: object): Readonly<Record<string, Raw>> => ({
  'a byte order mark': { body: Buffer.concat([bytes(0xef, 0xbb, 0xbf), Buffer.from(text(valid))]) },
  'ten megabytes': { body: withRaw(valid, 'x', `"${'x'.repeat(10_000_000)}"`) },
  'ten megabytes of spaces': { body: `${text(valid)}${' '.repeat(10_000_000)}` },
  'a deep list': { body: withRaw(valid, 'x', '['.repeat(DEPTH) + ']'.repeat(DEPTH)) },
  'a deep object': { body: withRaw(valid, 'x', `${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`) },
  'a number beyond all': { body: withRaw(valid, 'x', '1e999') },
  'a number of many digits': { body: withRaw(valid, 'x', '9'.repeat(50_000)) },
  'a field twice': { body: withRaw(valid, Object.keys(valid)[0]!, '1') },
  'many fields': { body: text({ ...valid, ...Object.fromEntries(many(10_000)) }) },
  'the field __proto__': { body: withRaw(valid, '__proto__', '{"model":"x","is_admin":true}') },
  'the field constructor': { body: withRaw(valid, 'constructor', '{"prototype":{"x":1}}') },
  'zero characters in names and texts': { body: withRaw(valid, 'a\0b', '"\\u0000\\ud800"') },
  ...Object.fromEntries(
    Object.keys(valid).flatMap((field) =>
      ['1e999', '-0', '['.repeat(DEPTH) + ']'.repeat(DEPTH), '"\\ud800"', '{}', '9'.repeat(400)].map((value) => [
        `${value.slice(0, 9)} for ${field}`,
        {
          body: withRaw(Object.fromEntries(Object.entries(valid).filter(([name]) => name !== field)), field, value),
        },
      ]),
    ),
  ),
});

const many = (count: number): [string, number][] => Array.from({ length: count }, (_, at) => [`x${at}`, at]);

describe('a hostile request', () => {
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway({
      body_limit_bytes: BODY_LIMIT_BYTES,
      limits: { headers_timeout_ms: 2_000, idle_timeout_ms: 2_000 },
    });
  });
  after(() => gateway.close());

  const codeOf = ({ json, text: body }: ClientResponse): string => {
    // Google's stream without alt=sse is a list, also for an error.
    const [{ error }] = [json].flat() as [{ error: { code: string | number; details: unknown } }];
    const [first] = Array.isArray(error.details) ? (error.details as { reason?: string }[]) : [];
    const code = first?.reason?.toLowerCase() ?? String(error.code);
    assert.ok(code in ERRORS, body);
    return code;
  };

  const sendTo = async (path: string, { body, headers }: Raw): Promise<ClientResponse> =>
    gateway.send({ method: 'POST', path, headers: { ...bearer(gateway.keys.api_key), ...headers }, body });

  it('is tried at every endpoint that takes JSON', () => {
    const protocols = createClientProtocols().filter(({ body_reader }) => body_reader === jsonBody);
    assert.deepEqual(
      protocols.map(({ endpoint }) => endpoint),
      Object.keys(VALID),
    );
  });

  for (const [endpoint, { path = endpoint, body: valid }] of Object.entries(VALID)) {
    it(`is refused or served at ${endpoint}, never with 500, and recorded once`, async function () {
      this.timeout(300_000);
      const client_responses: ClientResponse[] = [await sendTo(path, { body: text(valid) })];
      assert.equal(client_responses[0]!.status, 200, client_responses[0]!.text);
      for (const [name, raw] of Object.entries(unreadable(valid))) {
        const client_response = await sendTo(path, raw);
        assert.ok(
          client_response.status >= 400 && client_response.status < 500,
          `${name}: ${client_response.status} ${client_response.text.slice(0, 300)}`,
        );
        codeOf(client_response);
        client_responses.push(client_response);
      }
      for (const [name, raw] of Object.entries(unusual(valid))) {
        const client_response = await sendTo(path, raw);
        assert.ok(
          client_response.status < 500,
          `${name}: ${client_response.status} ${client_response.text.slice(0, 300)}`,
        );
        if (client_response.status !== 200) assert.notEqual(codeOf(client_response), 'internal_error', name);
        client_responses.push(client_response);
      }
      await gateway.drain();
      const rows = await gateway.database.sql<{ id: string; http_status: number }[]>`
        select h.api_request_bk as id, s.http_status
        from gateway.api_request_s s
        join gateway.api_request_h h using (api_request_hk)
        where h.api_request_bk = any(${client_responses.map(({ request_id }) => request_id)})`;
      assert.equal(rows.length, client_responses.length, 'exactly one row a call');
      const status_by_id = new Map(rows.map(({ id, http_status }) => [id, http_status]));
      for (const { request_id, status } of client_responses) assert.equal(status_by_id.get(request_id), status);
    });
  }

  /** Response to bytes on their own socket, up to its end. */
  const exchange = (sent: string | Buffer): Promise<string> =>
    new Promise((resolve) => {
      let response = '';
      const { port } = new URL(gateway.url);
      const socket = connect({ host: '127.0.0.1', port: Number(port) }, () => socket.write(sent));
      socket.setEncoding('latin1').on('data', (piece: string) => {
        response += piece;
      });
      // After some of them, the server waits for more.
      socket.setTimeout(500, () => socket.destroy());
      socket.on('error', () => {}).on('close', () => resolve(response));
    });

  it('is refused or cut if its head or framing is broken, and the next request is served', async () => {
    const { body } = VALID['/v1/chat/completions']!;
    const json = text(body);
    const head = [
      ...['POST /v1/chat/completions HTTP/1.1', 'host: x', `authorization: Bearer ${gateway.keys.api_key}`],
      'content-type: application/json',
    ];
    const message = (lines: readonly string[], rest: string): string =>
      `${[...head, ...lines].join('\r\n')}\r\n\r\n${rest}`;
    const chunk = `${json.length.toString(16)}\r\n${json}\r\n`;
    const broken: Readonly<Record<string, string | Buffer>> = {
      'two lengths': message(['content-length: 5', `content-length: ${json.length}`], json),
      'a length and chunks': message(['content-length: 5', 'transfer-encoding: chunked'], `${chunk}0\r\n\r\n`),
      'a negative length': message(['content-length: -1'], json),
      'a length that is not a number': message(['content-length: 1e3'], json),
      'an invalid chunk size': message(['transfer-encoding: chunked'], `zz\r\n${json}\r\n0\r\n\r\n`),
      'a chunk longer than it says': message(['transfer-encoding: chunked'], `5\r\n${json}\r\n0\r\n\r\n`),
      'chunks with another transfer coding': message(['transfer-encoding: gzip, chunked'], `${chunk}0\r\n\r\n`),
      'garbage after the last chunk': message(['transfer-encoding: chunked'], `${chunk}0\r\n\r\nGARBAGE\r\n\r\n`),
      'a huge header': message([`x-a: ${'a'.repeat(200_000)}`, `content-length: ${json.length}`], json),
      'very many headers': message(
        [...many(20_000).map(([name, at]) => `${name}: ${at}`), `content-length: ${json.length}`],
        json,
      ),
      'a header with a zero': message(['x-a: a\0b', `content-length: ${json.length}`], json),
      'a header without a colon': message(['nonsense', `content-length: ${json.length}`], json),
      'a folded header': message(['x-a: a', ' b', `content-length: ${json.length}`], json),
      'another protocol': 'SSH-2.0-OpenSSH_9.9\r\n',
      'a TLS greeting': bytes(0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03),
      'no path': 'POST\r\n\r\n',
    };
    for (const [name, sent] of Object.entries(broken)) {
      const response = await exchange(sent);
      assert.match(response, /^(?:$|HTTP\/1\.1 4\d\d )/, name);
    }
    const served = await gateway.chat(body);
    assert.equal(served.status, 200);
  });

  it('is served if only its headers are unusual', async () => {
    const { body } = VALID['/v1/chat/completions']!;
    for (const headers of [
      { 'content-type': 'APPLICATION/JSON; charset="utf-8"; boundary=x' },
      { 'content-encoding': 'identity' },
      { 'x-onevault-unsupported-fields': 'x'.repeat(5_000) },
      { 'x-request-id': '../../etc/passwd' },
      { 'user-agent': '\u00ff\u00fe' },
      { accept: 'text/html;q=0.1', expect: '100-continue' },
      { cookie: 'a=b; '.repeat(500) },
      { traceparent: 'ff-nonsense' },
      { 'idempotency-key': 'k'.repeat(255) },
    ]) {
      const client_response = await sendTo('/v1/chat/completions', { body: text(body), headers });
      assert.equal(client_response.status, 200, `${text(headers).slice(0, 80)}: ${client_response.text}`);
      assert.match(client_response.request_id, /^[0-9a-f-]{36}$/);
      await gateway.recorded(client_response.request_id);
    }
  });
});
