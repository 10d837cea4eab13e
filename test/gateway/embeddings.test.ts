import assert from 'node:assert/strict';
import { encode } from 'gpt-tokenizer/encoding/cl100k_base';
import type OpenAI from 'openai';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { errorOf } from '../support/http.ts';
import { type ScriptedUpstream, sendJson, startScriptedUpstream } from '../support/upstream.ts';

const model = 'text-embedding-3-small';

describe('a body of more than 2 MiB', () => {
  it('is refused for embeddings, and accepted for chats, which may have images', async () => {
    const gateway = await startTestGateway({ body_limit_bytes: 8_000_000 });
    const text = 'x'.repeat(2 * 2 ** 20);
    const google = `/v1beta/models/gemini-embedding-001:`;
    for (const [path, body] of [
      ['/v1/embeddings', { model, input: text }],
      ['/v1/ai/embeddings', { model, input: text }],
      [`${google}embedContent`, { content: { parts: [{ text }] } }],
      [`${google}batchEmbedContents`, { requests: [{ content: { parts: [{ text }] } }] }],
    ] as const) {
      const response = await gateway.post(path, body);
      assert.equal(response.status, 413, path);
      assert.match(response.text, /2097152 bytes/);
    }
    const content = [{ type: 'image_url', image_url: { url: `data:image/png;base64,${text}` } }];
    const chat = await gateway.chat({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }] });
    assert.equal(chat.status, 200, chat.text.slice(0, 500));
    await gateway.close();
  });
});

describe('POST /v1/embeddings', () => {
  let gateway: TestGateway;
  let client: OpenAI;
  before(async () => {
    gateway = await startTestGateway();
    client = gateway.openai();
  });
  after(() => gateway.close());

  it("answers OpenAI's SDK, which requests base64 by default, and records the tokens with their price", async () => {
    const { data, response } = await client.embeddings.create({ model, input: 'Good morning' }).withResponse();
    assert.equal(data.data.length, 1);
    assert.equal(data.data[0]!.embedding.length, 1_536);
    assert.ok(data.usage.prompt_tokens > 0);
    const call = await gateway.recorded(response.headers.get('x-request-id')!);
    assert.equal(call.endpoint, '/v1/embeddings');
    assert.equal(call.request_type, 'embedding');
    assert.equal(call.prompt_tokens, data.usage.prompt_tokens);
    assert.equal(call.completion_tokens, 0);
    assert.equal(call.rating, 'RATED');
    // 0.02 USD a million tokens are 20,000 pico-dollars a token.
    assert.equal(call.provider_cost, String(20_000 * data.usage.prompt_tokens));
  });

  it('returns the same vectors as floats and as base64, to 32 bits', async () => {
    const input = ['one', 'two', 'three'];
    const floats = await client.embeddings.create({ model, input, encoding_format: 'float', dimensions: 8 });
    const packed = await client.embeddings.create({ model, input, dimensions: 8 });
    assert.deepEqual(
      floats.data.map(({ index }) => index),
      [0, 1, 2],
    );
    assert.deepEqual(
      packed.data.map(({ embedding }) => [...embedding]),
      floats.data.map(({ embedding }) => embedding.map(Math.fround)),
    );
  });

  it('returns vectors of a provider with another protocol in the same form', async () => {
    const input = ['one', 'two'];
    const request = { model: 'gemini-embedding-001', input, dimensions: 8 };
    const floats = await client.embeddings.create({ ...request, encoding_format: 'float' });
    const { data: packed, response } = await client.embeddings.create(request).withResponse();
    assert.deepEqual(
      packed.data.map(({ index }) => index),
      [0, 1],
    );
    packed.data.forEach(({ embedding }, index) => {
      assert.deepEqual([...embedding], floats.data[index]!.embedding.map(Math.fround));
    });
    const call = await gateway.recorded(response.headers.get('x-request-id')!);
    assert.equal(call.provider, 'google');
    assert.equal(call.rating, 'RATED');
    assert.equal(call.prompt_tokens, packed.usage.prompt_tokens);
  });

  it('accepts tokens, and lists of tokens', async () => {
    for (const input of [
      [1, 2, 3],
      [[1, 2, 3], [4]],
    ]) {
      const { data } = await client.embeddings.create({ model, input, dimensions: 4 });
      assert.equal(data.length, Array.isArray(input[0]) ? input.length : 1);
    }
  });

  it('finds the compliance flags of each text', async () => {
    const client_response = await gateway.post('/v1/embeddings', { model, input: ['hello', 'SSN 219-09-9999'] });
    assert.equal(client_response.status, 200);
    const { compliance_flags } = await gateway.recorded(client_response.request_id);
    assert.ok(compliance_flags.length > 0);
  });

  it('finds the compliance flags also in tokens, which LangChain sends instead of texts', async () => {
    const tokens = encode('My SSN is 219-09-9999.');
    for (const input of [tokens, [[1], tokens], [[...tokens, 4_294_967_295]]]) {
      const client_response = await gateway.post('/v1/embeddings', { model, input });
      assert.equal(client_response.status, 200);
      const { compliance_flags } = await gateway.recorded(client_response.request_id);
      assert.ok(compliance_flags.length > 0);
    }
  });

  it('refuses invalid input and names the item', async () => {
    const cases: readonly (readonly [unknown, RegExp])[] = [
      [undefined, /^input/],
      ['', /^input/],
      [[], /^input/],
      [7, /^input/],
      [['a', 1], /^input\[1\]/],
      [[1, 'a'], /^input\[1\]/],
      [[1.5], /^input\[0\]/],
      [[-1], /^input\[0\]/],
      [[[1], []], /^input\[1\]/],
      [[{}], /^input\[0\]/],
    ];
    for (const [input, param] of cases) {
      const client_response = await gateway.post('/v1/embeddings', { model, input });
      assert.equal(client_response.status, 400, JSON.stringify(input));
      assert.match(errorOf(client_response).param ?? '', param);
    }
  });

  it('refuses a model and a provider without embeddings', async () => {
    for (const name of ['gpt-4o-mini', 'claude-haiku-4-5']) {
      const client_response = await gateway.post('/v1/embeddings', { model: name, input: 'x' });
      assert.equal(client_response.status, 404, name);
      assert.equal(errorOf(client_response).code, 'model_not_found');
    }
    const chat = await gateway.chat({ model, messages: [{ role: 'user', content: 'x' }] });
    assert.equal(errorOf(chat).code, 'model_not_found');
  });

  describe('in the unified form', () => {
    it('chooses the cheapest model, and returns its name and the cost', async () => {
      const client_response = await gateway.post('/v1/ai/embeddings', { input: ['a text', 'another'], max_cost: 0.01 });
      assert.equal(client_response.status, 200, client_response.text);
      const body = client_response.json as {
        object: string;
        model: string;
        data: { index: number; embedding: number[] }[];
        cost: { amount: string };
      };
      assert.equal(body.object, 'ai.embeddings');
      assert.equal(body.model, model);
      assert.deepEqual(
        body.data.map(({ index, embedding }) => [index, embedding.length]),
        [
          [0, 1_536],
          [1, 1_536],
        ],
      );
      assert.ok(Number(body.cost.amount) > 0);
      const call = await gateway.recorded(client_response.request_id);
      assert.equal(call.request_type, 'embedding');
      assert.equal(call.endpoint, '/v1/ai/embeddings');
    });

    it("returns the provider's vectors", async () => {
      const client_response = await gateway.post('/v1/ai/embeddings', { input: 'same', model, dimensions: 6 });
      const direct = await client.embeddings.create({
        model,
        input: 'same',
        dimensions: 6,
        encoding_format: 'float',
      });
      assert.deepEqual((client_response.json as typeof direct).data[0]!.embedding, direct.data[0]!.embedding);
    });

    it('refuses a max_cost that is not an amount of money', async () => {
      for (const max_cost of [0, -1, 1e308, 'x', '1e5', null]) {
        const client_response = await gateway.post('/v1/ai/embeddings', { input: 'x', max_cost });
        assert.equal(client_response.status, 400);
        assert.equal(errorOf(client_response).param, 'max_cost');
      }
    });

    it('refuses unknown fields', async () => {
      const client_response = await gateway.post('/v1/ai/embeddings', { input: 'x', inputs: 'y' });
      assert.equal(client_response.status, 400);
    });
  });
});

describe('embeddings of a provider with unusual responses', () => {
  let gateway: TestGateway;
  let upstream: ScriptedUpstream;
  before(async () => {
    upstream = await startScriptedUpstream();
    gateway = await startTestGateway({ base_urls: { openai: upstream.url } });
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  it('pass through byte for byte, in both directions', async () => {
    const json = '{ "object":"list", "data":[{"embedding":[1e-7, 0.10]}], "x":1, "usage":{"prompt_tokens":2} }';
    upstream.script((response) => sendJson(response, json));
    const body = `{"model": "${model}", "input":"é", "x_unknown" : 1.50}`;
    const client_response = await gateway.send({
      method: 'POST',
      path: '/v1/embeddings',
      headers: { authorization: `Bearer ${gateway.keys.api_key}` },
      body,
    });
    assert.equal(client_response.text, json);
    assert.equal(upstream.received.at(-1)!.body, body);
    assert.equal(upstream.received.at(-1)!.url, '/embeddings');
  });

  it('are counted if the provider reports no usage', async () => {
    upstream.script((response) => sendJson(response, '{"data":[{"index":0,"embedding":[0.5]}]}'));
    const client_response = await gateway.post('/v1/embeddings', { model, input: ['hello world', 'hello'] });
    const call = await gateway.recorded(client_response.request_id);
    assert.equal(call.usage_source, 'counted');
    assert.equal(call.prompt_tokens, 3);
  });

  it('are returned in the order of the inputs', async () => {
    const data = [
      { index: 1, embedding: [1] },
      { index: 0, embedding: [0] },
    ];
    upstream.script((response) => sendJson(response, JSON.stringify({ data })));
    const client_response = await gateway.post('/v1/ai/embeddings', { model, input: ['a', 'b'] });
    const { data: given } = client_response.json as { data: unknown };
    assert.deepEqual(given, [
      { index: 0, embedding: [0] },
      { index: 1, embedding: [1] },
    ]);
  });

  it('are a provider error if they are not vectors', async () => {
    for (const text of [
      '[]',
      '{}',
      '{"data":[1]}',
      '{"data":[{"embedding":"AAAA"}]}',
      '{"data":[{"embedding":[null]}]}',
    ]) {
      upstream.script((response) => sendJson(response, text));
      const client_response = await gateway.post('/v1/ai/embeddings', { model, input: 'a' });
      assert.equal(errorOf(client_response).code, 'provider_malformed', text);
    }
  });
});
