import type { Clock } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { Usage } from '../../pricing/usage.ts';
import type { Passthrough, PassthroughStream, ProviderOperation } from '../contract.ts';
import type { ImageRequest, ImageResponse } from '../image-form.ts';
import { isObject, malformed, parseResponse } from '../json.ts';
import { passedBody } from '../passthrough-body.ts';
import { sseText } from '../transport/sse-text.ts';
import { errorOfFrame } from './frame-error.ts';
import { post } from './post.ts';
import { tokenUsageOf } from './token-usage.ts';

/** OpenAI's pictures, whole. */
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

// What the cost of a call hangs on: see `passedBody`.
const ACCOUNTED: ReadonlySet<string> = new Set(['model', 'prompt', 'n', 'stream', 'partial_images']);

/** Pictures as they were asked for and as they come. */
export const createImagesPassthrough = (clock: Clock): Passthrough => ({
  request: (body, target) => post('/images/generations', passedBody(body, target.model, ACCOUNTED), target),
  response: (text) => ({ result: () => '', usage: images.response(text).usage }),
  stream: () => createPassedStream(clock),
});

// The base64 of a picture holds no quote, so these words are a frame's own.
const WORTH_READING = /"(?:usage|error)"\s*:/;
const COMPLETED = 'image_generation.completed';

const createPassedStream = (clock: Clock): PassthroughStream => {
  let usage: Usage | null = null;
  // Several pictures complete one after the other: each is held until it is known whether more follows.
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

/** Where a reply does not tell words and pictures apart, all of it was pictures. */
const imageUsageOf = (json: unknown, images: number): Usage | null => {
  const usage = tokenUsageOf(json);
  if (usage === null) return null;
  const is_told = isObject(json) && isObject(json.output_tokens_details);
  return { ...usage, images, ...(is_told ? {} : { completion_image_tokens: usage.completion_tokens }) };
};

/** Each picture of a stream tells its own usage. */
const sumOf = (before: Usage | null, now: Usage | null): Usage | null => {
  if (before === null || now === null) return now ?? before;
  const sum = { ...before };
  for (const [field, count] of Object.entries(now) as [keyof typeof sum, unknown][]) {
    if (typeof count === 'number') Object.assign(sum, { [field]: Number(before[field] ?? 0) + count });
  }
  return sum;
};
