import type { Clock } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { Usage } from '../../pricing/usage.ts';
import type { Passthrough, PassthroughStream, ProviderOperation } from '../contract.ts';
import type { ImageRequest, ImageResponse } from '../image-form.ts';
import { isObject, malformed, parseResponse } from '../json.ts';
import { passthroughBody } from '../passthrough-body.ts';
import { sseText } from '../transport/sse-text.ts';
import { errorOfFrame } from './frame-error.ts';
import { post } from './post.ts';
import { tokenUsageOf } from './token-usage.ts';

/** OpenAI's image generation without streaming. */
export const images: ProviderOperation<ImageRequest, ImageResponse> = {
  request: ({ stream: _stream, partial_images: _partial, ...form }, target) =>
    post('/images/generations', JSON.stringify({ ...form, model: target.model }), target),
  response: (text) => {
    const body = parseResponse(text);
    assertImages(body);
    return { result: body, usage: imageUsageOf(body.usage, body.data.length) };
  },
};

function assertImages(body: object): asserts body is ImageResponse & { readonly usage?: unknown } {
  const { data, created } = body as { data?: unknown; created?: unknown };
  if (typeof created !== 'number') throw malformed('created is not a number');
  if (!Array.isArray(data) || !data.every(isObject)) throw malformed('data is not a list of objects');
}

// Fields that determine the cost of a call: see `passthroughBody`.
const ACCOUNTED: ReadonlySet<string> = new Set(['model', 'prompt', 'n', 'stream', 'partial_images', 'size', 'quality']);

/** Passes image requests and responses through unchanged. */
export const createImagesPassthrough = (clock: Clock): Passthrough => ({
  request: (body, target) => post('/images/generations', passthroughBody(body, target.model, ACCOUNTED), target),
  response: (text) => ({ result: () => '', usage: images.response(text).usage }),
  stream: () => createPassthroughStream(clock),
});

// The base64 of an image contains no quote, so a match is always a field of the frame.
const WORTH_READING = /"(?:usage|error)"\s*:/;
const COMPLETED = 'image_generation.completed';

const createPassthroughStream = (clock: Clock): PassthroughStream => {
  let usage: Usage | null = null;
  // Several images complete one after the other: each is held back until the next frame arrives.
  let held = '';
  return {
    push: (event) => {
      if (event.data === '[DONE]') return '';
      const before = held;
      held = '';
      if (!WORTH_READING.test(event.data)) return before + sseText(event);
      const frame = parseResponse(event.data);
      if (frame.error !== undefined && frame.error !== null) throw errorOfFrame(frame.error, clock);
      usage = sumOf(usage, imageUsageOf(frame.usage, frame.type === COMPLETED ? 1 : 0));
      if (frame.type !== COMPLETED) return before + sseText(event);
      held = sseText(event);
      return before;
    },
    end: () => {
      if (held === '') throw new OneVaultError('provider_disconnected');
    },
    last: () => held,
    get usage() {
      return usage;
    },
    text: () => '',
  };
};

/** Usage of images. If a response does not separate text from images, all of its output tokens are images. */
const imageUsageOf = (json: unknown, images: number): Usage | null => {
  const usage = tokenUsageOf(json);
  if (usage === null) return null;
  const has_details = isObject(json) && isObject(json.output_tokens_details);
  return { ...usage, images, ...(has_details ? {} : { completion_image_tokens: usage.completion_tokens }) };
};

/** Each image of a stream reports its own usage. */
const sumOf = (before: Usage | null, now: Usage | null): Usage | null => {
  if (before === null || now === null) return now ?? before;
  const sum = { ...before };
  for (const [field, count] of Object.entries(now) as [keyof typeof sum, unknown][]) {
    if (typeof count === 'number') Object.assign(sum, { [field]: Number(before[field] ?? 0) + count });
  }
  return sum;
};
