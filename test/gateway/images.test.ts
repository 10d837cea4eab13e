import assert from 'node:assert/strict';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { errorOf } from '../support/http.ts';
import { type ScriptedUpstream, sendFrames, sendJson, startScriptedUpstream } from '../support/upstream.ts';

const PATH = '/v1/images/generations';
const request = { model: 'gpt-image-1', prompt: 'A cat', size: '1024x1024', quality: 'low' };
const usage = {
  input_tokens: 10,
  input_tokens_details: { text_tokens: 10, image_tokens: 0 },
  output_tokens: 272,
  total_tokens: 282,
};
const image = { created: 1_767_225_600, data: [{ b64_json: 'iVBORw0KGgo=' }], usage };

const completed = (given: object | null): string =>
  JSON.stringify({ type: 'image_generation.completed', b64_json: 'AAAA', ...(given && { usage: given }) });
const partial = JSON.stringify({
  type: 'image_generation.partial_image',
  b64_json: 'AA',
  partial_image_index: 0,
});

describe("OpenAI's SDK", () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  it('gets images whole and streamed with the same tokens, and each call is recorded with its price', async () => {
    const client = gateway.openai();
    const draw = { model: 'gpt-image-1', prompt: 'A cat', size: '1024x1024', quality: 'low' } as const;
    const { data: whole, response } = await client.images.generate(draw).withResponse();
    assert.match(whole.data![0]!.b64_json!, /^iVBORw0KGgo/);
    const first = await gateway.recorded(response.headers.get('x-request-id')!);
    assert.equal(first.completion_tokens, whole.usage!.output_tokens);
    assert.equal(first.rating, 'RATED');
    assert.equal(BigInt(first.provider_cost!) > 0n, true);

    const sent = client.images.generate({ ...draw, stream: true, partial_images: 2 }).withResponse();
    const { data: stream, response: begun } = await sent;
    const types: string[] = [];
    for await (const event of stream) types.push(event.type);
    assert.deepEqual(types, [
      'image_generation.partial_image',
      'image_generation.partial_image',
      'image_generation.completed',
    ]);
    const second = await gateway.recorded(begun.headers.get('x-request-id')!);
    assert.equal(second.response_status, 'SUCCESS');
    assert.equal(second.usage_source, 'provider');
    assert.ok(second.completion_tokens! >= first.completion_tokens!);
  });
});

describe('POST /v1/images/generations', () => {
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

  it("answers OpenAI's SDK byte for byte, and records the tokens with their price", async () => {
    upstream.script((response) => sendJson(response, JSON.stringify({ ...image, x_new: 1 })));
    const { data, response } = await gateway
      .openai()
      .images.generate(request as never)
      .withResponse();
    assert.deepEqual(data, { ...image, x_new: 1 });
    assert.equal(upstream.received.at(-1)!.url, '/images/generations');
    assert.deepEqual(JSON.parse(upstream.received.at(-1)!.body), request);
    const call = await gateway.recorded(response.headers.get('x-request-id')!);
    assert.equal(call.request_type, 'image');
    assert.equal(call.completion_tokens, 272);
    assert.equal(call.provider_cost, String(10n * 5_000_000n + 272n * 40_000_000n));
  });

  it('streams partial and final images, sends the last one when the call is on disk, and adds up the usage', async () => {
    upstream.script((response) => sendFrames(response, [partial, completed(usage), completed(usage)]));
    const client_response = await gateway.post(PATH, { ...request, n: 2, stream: true, partial_images: 1 });
    assert.equal(
      client_response.text,
      [partial, completed(usage), completed(usage)].map((each) => `data: ${each}\n\n`).join(''),
    );
    const call = await gateway.recorded(client_response.request_id);
    assert.equal(call.completion_tokens, 544);
    assert.equal(call.is_streamed, true);
    assert.equal(call.response_status, 'SUCCESS');
  });

  it('reports a stream that ends without its image, or with an error', async () => {
    for (const frames of [[partial], [partial, JSON.stringify({ type: 'error', error: { message: 'No.' } })]]) {
      upstream.script((response) => sendFrames(response, frames));
      const client_response = await gateway.post(PATH, { ...request, stream: true, partial_images: 1 });
      assert.match(client_response.text, /"error":\{"code":"provider_/);
      assert.equal((await gateway.recorded(client_response.request_id)).response_status, 'ERROR');
    }
  });

  it('counts images by the published tokens if the provider reports no usage', async () => {
    upstream.script((response) => sendJson(response, JSON.stringify({ ...image, usage: undefined })));
    for (const [more, tokens] of [
      [{}, 272],
      [{ n: 3 }, 816],
      [{ quality: 'auto' }, 6_240],
    ] as const) {
      const client_response = await gateway.post(PATH, { ...request, ...more });
      const call = await gateway.recorded(client_response.request_id);
      assert.equal(call.usage_source, 'counted');
      assert.equal(call.completion_tokens, tokens);
      assert.equal(call.rating, 'RATED');
    }
  });

  it('chooses a model if the client names none', async () => {
    upstream.script((response) => sendJson(response, JSON.stringify(image)));
    const client_response = await gateway.post(PATH, { prompt: 'A dog' });
    assert.equal(client_response.status, 200, client_response.text);
    const { model } = await gateway.recorded(client_response.request_id);
    assert.equal(model, 'gpt-image-1-mini');
    assert.deepEqual(JSON.parse(upstream.received.at(-1)!.body), { prompt: 'A dog', model });
  });

  it('refuses a call whose maximum cost exceeds the budget', async () => {
    const { key } = await gateway.newCustomer({ slug: 'frugal', cost_budget_daily: '0.20' });
    assert.equal((await gateway.post(PATH, { ...request, n: 10 }, key)).status, 402);
  });

  it('refuses an invalid request and names the field', async () => {
    for (const [body, param] of [
      [{ ...request, prompt: '' }, 'prompt'],
      [{ model: request.model }, 'prompt'],
      [{ ...request, n: 0 }, 'n'],
      [{ ...request, n: 11 }, 'n'],
      [{ ...request, stream: 'yes' }, 'stream'],
    ] as const) {
      const client_response = await gateway.post(PATH, body);
      assert.equal(client_response.status, 400);
      assert.equal(errorOf(client_response).param, param);
    }
    const twice = await gateway.send({
      method: 'POST',
      path: PATH,
      headers: { authorization: `Bearer ${gateway.keys.api_key}` },
      body: `{"prompt":"a","model":"gpt-image-1","n":1,"n":10}`,
    });
    assert.equal(errorOf(twice).param, 'n');
    assert.equal((await gateway.post(PATH, { ...request, model: 'gpt-4o' })).status, 404);
  });

  it('returns model and cost in the unified form', async () => {
    upstream.script((response) => sendJson(response, JSON.stringify(image)));
    const client_response = await gateway.post('/v1/ai/images/generations', {
      prompt: 'A cat',
      size: '1024x1024',
      max_cost: 1,
    });
    const body = client_response.json as { object: string; model: string; data: unknown; cost: { amount: string } };
    assert.equal(body.object, 'ai.images');
    assert.equal(body.model, 'gpt-image-1-mini');
    assert.deepEqual(body.data, image.data);
    assert.ok(Number(body.cost.amount) > 0);
    assert.deepEqual(JSON.parse(upstream.received.at(-1)!.body), {
      prompt: 'A cat',
      size: '1024x1024',
      model: 'gpt-image-1-mini',
    });
  });

  it('reports a provider error if the response contains no image', async () => {
    for (const text of ['[]', '{"created":1}', '{"created":"x","data":[]}', '{"created":1,"data":[7]}']) {
      upstream.script((response) => sendJson(response, text));
      assert.equal(errorOf(await gateway.post(PATH, request)).code, 'provider_malformed', text);
    }
  });
});
