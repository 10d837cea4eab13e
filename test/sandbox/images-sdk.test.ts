import assert from 'node:assert/strict';
import { inflateSync } from 'node:zlib';
import OpenAI from 'openai';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';

const model = 'gpt-image-1';

/** Width and height of a PNG with complete image data. */
const sizeOf = (png: Buffer): [number, number] => {
  assert.equal(png.subarray(0, 8).toString('hex'), '89504e470d0a1a0a');
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const at = png.indexOf('IDAT');
  const data = inflateSync(png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4)));
  assert.equal(data.length, (1 + Math.ceil(width / 8)) * height);
  return [width, height];
};

describe("the sandbox's images with OpenAI's SDK", () => {
  let sandbox: Sandbox;
  let client: OpenAI;

  before(async () => {
    sandbox = await startSandbox();
    client = new OpenAI({ baseURL: `${sandbox.url}/v1`, apiKey: 'sk-anything', maxRetries: 0 });
  });
  after(() => sandbox.close());

  it('are different PNGs of the requested size, with the usage that OpenAI publishes', async () => {
    const send = () => client.images.generate({ model, prompt: 'A cat', n: 2, size: '1024x1536', quality: 'low' });
    const response = await send();
    const images = (response.data ?? []).map(({ b64_json }) => Buffer.from(b64_json ?? '', 'base64'));
    for (const png of images) assert.deepEqual(sizeOf(png), [1_024, 1_536]);
    assert.notDeepEqual(images[0], images[1]);
    assert.deepEqual(response.usage, {
      input_tokens: 2,
      input_tokens_details: { image_tokens: 0, text_tokens: 2 },
      output_tokens: 816,
      total_tokens: 818,
    });
    assert.deepEqual(await send(), response);
  });

  it('have a URL from older models, which needs no key', async () => {
    const response = await client.images.generate({ model: 'dall-e-3', prompt: 'A cat', size: '1024x1024' });
    const fetched = await fetch(response.data?.[0]?.url ?? '');
    assert.equal(fetched.headers.get('content-type'), 'image/png');
    assert.deepEqual(sizeOf(Buffer.from(await fetched.arrayBuffer())), [1_024, 1_024]);
    assert.equal(response.usage, undefined);
  });

  it('are streamed as a partial image and a final one', async () => {
    const stream = await client.images.generate({ model, prompt: 'A cat', stream: true, partial_images: 2 });
    const events = await Array.fromAsync(stream);
    assert.deepEqual(
      events.map(({ type }) => type.replace('image_generation.', '')),
      ['partial_image', 'partial_image', 'completed'],
    );
    const end = events.at(-1);
    assert.ok(end?.type === 'image_generation.completed');
    assert.equal(end.usage.output_tokens, 1_056);
  });

  it('are refused without a prompt, for too many images, for an invalid size, and by directive', async () => {
    const send = (body: object) => client.images.generate({ model, prompt: 'A cat', ...body } as never);
    for (const wrong of [{ prompt: '' }, { n: 12 }, { size: '0x0' }, { size: 'huge' }, { response_format: 'url' }]) {
      await assert.rejects(send(wrong), OpenAI.BadRequestError, JSON.stringify(wrong));
    }
    await assert.rejects(send({ prompt: '[[sandbox: status=429]]' }), OpenAI.RateLimitError);
  });
});
