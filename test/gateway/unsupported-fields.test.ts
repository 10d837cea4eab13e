import assert from 'node:assert/strict';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, type ClientResponse } from '../support/http.ts';

describe('a field that the provider lacks', () => {
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  const send = (path: string, body: object, lenient: boolean): Promise<ClientResponse> =>
    gateway.send({
      method: 'POST',
      path,
      headers: { ...bearer(gateway.keys.api_key), ...(lenient ? { 'x-onevault-unsupported-fields': 'allow' } : {}) },
      body: JSON.stringify(body),
    });

  const message = (fields: object) => ({
    model: 'gpt-4o-mini',
    max_tokens: 50,
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
    ...fields,
  });
  const chat = (fields: object) => ({
    model: 'claude-haiku-4-5',
    messages: [{ role: 'user', content: 'Hi' }],
    ...fields,
  });
  const document = { type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' } };
  const hi = { type: 'text', text: 'Hi' };

  const contents = [{ role: 'user', parts: [{ text: 'Hi' }] }];
  const generate = '/v1beta/models/gpt-4o-mini:generateContent';
  const content = (fields: object) => ({ contents, ...fields });

  const UNSUPPORTED: readonly (readonly [string, string, object])[] = [
    ['/v1/messages', 'top_k', message({ top_k: 4 })],
    ['/v1/messages', 'inference_geo', message({ inference_geo: 'eu' })],
    ['/v1/messages', 'container', message({ container: 'c1' })],
    ['/v1/messages', 'some_new_field', message({ some_new_field: { a: 1 } })],
    ['/v1/messages', 'tools[0].type', message({ tools: [{ type: 'web_search_20260209', name: 'web_search' }] })],
    ['/v1/messages', 'stop_sequences', message({ stop_sequences: ['a', 'b', 'c', 'd', 'e'] })],
    [
      '/v1/messages',
      'messages[0].content[1]',
      message({ system: 'Be kind.', messages: [{ role: 'user', content: [hi, document] }] }),
    ],
    [
      '/v1/messages',
      'messages[0].content[1].type',
      message({ messages: [{ role: 'user', content: [hi, { type: 'a_new_block' }] }] }),
    ],
    [generate, 'generationConfig.topK', content({ generationConfig: { topK: 4 } })],
    [generate, 'cachedContent', content({ cachedContent: 'cachedContents/1' })],
    [generate, 'tools[0].googleSearch', content({ tools: [{ googleSearch: {} }] })],
    [
      generate,
      'contents[0].parts[1].fileData',
      content({ contents: [{ parts: [{ text: 'Hi' }, { fileData: { fileUri: 'gs://a/b' } }] }] }),
    ],
    ['/v1/chat/completions', 'verbosity', chat({ model: 'gemini-2.5-flash', verbosity: 'low' })],
    ['/v1/chat/completions', 'seed', chat({ seed: 7 })],
    ['/v1/chat/completions', 'n', chat({ n: 2 })],
    ['/v1/chat/completions', 'response_format', chat({ response_format: { type: 'json_object' } })],
  ];

  // Google's protocol has another path for streams, and no field.
  const pathOf = (path: string, stream: boolean): string =>
    stream ? path.replace(':generateContent', ':streamGenerateContent?alt=sse') : path;
  const bodyOf = (path: string, body: object, stream: boolean): object =>
    path === generate ? body : { ...body, stream };

  /** Facts of an error, in Google's format or the others'. */
  const faultOf = ({ json }: ClientResponse) => {
    const { error } = json as {
      error: {
        code: string;
        param: string;
        message: string;
        details: { reason: string; metadata: { param: string } }[];
      };
    };
    const { code, param, message: text, details } = error;
    if (typeof code === 'string') return { code, field: param, message: text };
    const [info] = details;
    return { code: info?.reason.toLowerCase(), field: info?.metadata.param, message: text };
  };

  for (const [path, param, body] of UNSUPPORTED) {
    it(`is refused by its name, or left out and listed: ${param} of ${path}`, async () => {
      for (const stream of [false, true]) {
        const refused = await send(pathOf(path, stream), bodyOf(path, body, stream), false);
        assert.equal(refused.status, 400);
        const { code, field, message: text } = faultOf(refused);
        assert.equal(code, 'unsupported_feature');
        assert.equal(field, param);
        assert.match(text, /x-onevault-unsupported-fields: allow/);
        assert.equal(refused.headers['x-onevault-unsupported-fields'], undefined);
        const call = await gateway.recorded(refused.request_id);
        assert.equal(call.error_code, 'unsupported_feature');
        assert.equal(call.customer_cost, '0');
        const served = await send(pathOf(path, stream), bodyOf(path, body, stream), true);
        assert.equal(served.status, 200, served.text);
        assert.equal(served.headers['x-onevault-unsupported-fields'], param);
        assert.match(served.text, /Hi/);
      }
    });
  }

  it('is not listed for another provider that has it', async () => {
    const response = await send('/v1/messages', message({ model: 'claude-haiku-4-5', top_k: 4 }), false);
    assert.equal(response.status, 200);
    assert.equal(response.headers['x-onevault-unsupported-fields'], undefined);
  });

  it('is listed in a valid header, whatever its name and however many there are', async () => {
    const strange = { 'a\r\nset-cookie: x': 1, 'größe,✓': 1, '\ud800': 1 };
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`x_field_${index}`, 1]));
    const one = await send('/v1/messages', message(strange), true);
    assert.equal(one.status, 200, one.text);
    assert.equal(
      one.headers['x-onevault-unsupported-fields'],
      'a%0D%0Aset-cookie%3A%20x, gr%C3%B6%C3%9Fe%2C%E2%9C%93, %EF%BF%BD',
    );
    const all = await send('/v1/messages', message(many), true);
    assert.equal(all.status, 200);
    const list = String(all.headers['x-onevault-unsupported-fields']);
    assert.ok(list.length <= 2_005);
    assert.match(list, /^x_field_0, x_field_1, .*, x_field_\d+, \.\.\.$/);
  });

  it('may be left out by the old name of the header too, with a warning that the name is deprecated', async () => {
    const old = await gateway.send({
      method: 'POST',
      path: '/v1/messages',
      headers: { ...bearer(gateway.keys.api_key), 'x-onevault-lossy': 'allow' },
      body: JSON.stringify(message({ top_k: 4 })),
    });
    assert.equal(old.status, 200, old.text);
    assert.equal(old.headers['x-onevault-lossy'], 'top_k');
    assert.equal(old.headers['x-onevault-unsupported-fields'], 'top_k');
    assert.match(String(old.headers.deprecation), /^@\d+$/);
    const current = await send('/v1/messages', message({ top_k: 4 }), true);
    assert.equal(current.headers['x-onevault-lossy'], undefined);
    assert.equal(current.headers.deprecation, undefined);
  });
});
