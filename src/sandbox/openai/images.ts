import { CREATED_S, checkModel, type Json, SandboxRefusal, tokensOf } from '../call.ts';
import { withoutDirectives } from '../directives.ts';
import { pngOf } from '../png.ts';
import type { Endpoint } from '../protocol.ts';
import { BROKEN_STREAM, openAi } from './protocol.ts';

// Tokens of an image, as OpenAI publishes them for gpt-image-1: by quality, then by shape.
const IMAGE_TOKENS = {
  low: { square: 272, portrait: 408, landscape: 400 },
  medium: { square: 1_056, portrait: 1_584, landscape: 1_568 },
  high: { square: 4_160, portrait: 6_240, landscape: 6_208 },
} as const;
const IMAGES_MAX = 10;
const PARTIAL_MAX = 3;
const SIDE_MAX_PX = 4_096;

interface ImagesCall {
  readonly prompt: string;
  readonly image_count: number;
  readonly partial_images: number;
  readonly quality: keyof typeof IMAGE_TOKENS;
  readonly width: number;
  readonly height: number;
  /** True if the response has the URL of an image instead of its content. */
  readonly by_url: boolean;
  /** False for models before gpt-image. */
  readonly reports_usage: boolean;
}

/** OpenAI's images. @param origin returns the sandbox's own URL, where images can be fetched */
export const createOpenAiImages = (origin: () => string): Endpoint => ({
  protocol: openAi,
  read: (body) => {
    const call = parseImages(body);
    return {
      user_text: call.prompt,
      stream: body.stream === true ? STREAM : null,
      write: (seed) => (body.stream === true ? framesOf(call, seed) : [JSON.stringify(wholeOf(call, seed, origin()))]),
    };
  },
});

const STREAM = {
  sse: true,
  errorFrame: () =>
    `event: error\ndata: {"type":"error","error":{"type":"image_generation_server_error","code":"server_error","message":"${BROKEN_STREAM}","param":null}}\n\n`,
  wrongFrame: () => 'event: image_generation.completed\ndata: {"type":"image_generation.completed","b64_json":7}\n\n',
};

/** The image of `GET /images/{size}/{seed}.png`; null for every other path. */
export const imageAt = (path: string): Buffer | null => {
  const [, width, height, seed] = /^\/images\/(\d{1,4})x(\d{1,4})\/([0-9a-f]+-\d+)\.png$/.exec(path) ?? [];
  if (seed === undefined || Number(width) > SIDE_MAX_PX || Number(height) > SIDE_MAX_PX) return null;
  return pngOf(seed, { width: Number(width), height: Number(height) });
};

const parseImages = (body: Json): ImagesCall => {
  const { prompt, model, n, size, quality, response_format, partial_images } = body;
  if (typeof prompt !== 'string' || prompt === '') {
    throw new SandboxRefusal(400, "Missing required parameter: 'prompt'.", 'prompt', {
      code: 'missing_required_parameter',
    });
  }
  if (typeof model === 'string') checkModel(model);
  const is_older = typeof model === 'string' && model.startsWith('dall-e');
  if (response_format !== undefined && !is_older) {
    throw new SandboxRefusal(400, "Unknown parameter: 'response_format'.", 'response_format', {
      code: 'unknown_parameter',
    });
  }
  return {
    prompt,
    image_count: wholeNumber('n', n ?? 1, [1, IMAGES_MAX]),
    partial_images: wholeNumber('partial_images', partial_images ?? 0, [0, PARTIAL_MAX]),
    quality: quality === 'low' || quality === 'high' ? quality : 'medium',
    ...sidesOf(size),
    by_url: is_older && response_format !== 'b64_json',
    reports_usage: !is_older,
  };
};

const wholeNumber = (name: string, value: unknown, [least, most]: readonly [number, number]): number => {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new SandboxRefusal(400, `Invalid '${name}': expected a whole number from ${least} to ${most}.`, name, {
    code: 'invalid_value',
  });
};

const sidesOf = (size: unknown): { width: number; height: number } => {
  if (size === undefined || size === null || size === 'auto') return { width: 1_024, height: 1_024 };
  const [width = 0, height = 0] = /^\d{1,4}x\d{1,4}$/.test(String(size)) ? String(size).split('x').map(Number) : [];
  if (width < 1 || height < 1 || width > SIDE_MAX_PX || height > SIDE_MAX_PX) {
    throw new SandboxRefusal(400, `Invalid value: '${String(size)}'.`, 'size', { code: 'invalid_value' });
  }
  return { width, height };
};

const formOf = ({ quality, width, height }: ImagesCall): Json => ({
  background: 'opaque',
  output_format: 'png',
  quality,
  size: `${width}x${height}`,
});

const usageOf = (call: ImagesCall, image_count: number): Json => {
  const { quality, width, height, prompt } = call;
  const shape = width === height ? 'square' : width < height ? 'portrait' : 'landscape';
  const input_tokens = tokensOf(withoutDirectives(prompt).length);
  const output_tokens = IMAGE_TOKENS[quality][shape] * image_count;
  return {
    input_tokens,
    input_tokens_details: { image_tokens: 0, text_tokens: input_tokens },
    output_tokens,
    total_tokens: input_tokens + output_tokens,
  };
};

const wholeOf = (call: ImagesCall, seed: string, origin: string): Json => {
  const { width, height } = call;
  const data = Array.from({ length: call.image_count }, (_, index) => {
    const name = `${seed}-${index}`;
    return call.by_url
      ? { url: `${origin}/images/${width}x${height}/${name}.png` }
      : { b64_json: pngOf(name, call).toString('base64') };
  });
  return {
    created: CREATED_S,
    data,
    ...(call.reports_usage ? { ...formOf(call), usage: usageOf(call, call.image_count) } : {}),
  };
};

/** Each image with the requested number of partial images before it. */
const framesOf = (call: ImagesCall, seed: string): string[] => {
  const event = (type: string, fields: Json): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, created_at: CREATED_S, ...formOf(call), ...fields })}\n\n`;
  return Array.from({ length: call.image_count }, (_, index) => {
    const b64_json = pngOf(`${seed}-${index}`, call).toString('base64');
    const partial = Array.from({ length: call.partial_images }, (_, partial_image_index) =>
      event('image_generation.partial_image', {
        b64_json: pngOf(`${seed}-${index}-${partial_image_index}`, call).toString('base64'),
        partial_image_index,
      }),
    );
    return [...partial, event('image_generation.completed', { b64_json, usage: usageOf(call, 1) })];
  }).flat();
};
