import type { Model } from '../../../catalog/snapshot.ts';
import type { Rating } from '../../../pricing/rating.ts';
import type { ImageRequest, ImageResponse } from '../../../providers/image-form.ts';
import type { FinishedCall, Operation } from '../operation.ts';
import { countedUsage, countText } from '../token-count.ts';

/**
 * Reads a response.
 * @returns a function that writes the client's body once usage and cost are known
 * @throws OneVaultError provider_malformed
 */
export type ImagesWriter = (response: ImageResponse) => (call: FinishedCall, rating: Rating) => string;

// Tokens of an image if the catalog has no limit (OpenAI publishes 6,240 for gpt-image-1 at the largest size and best
// quality, and lets later models draw four times as many pixels).
const DEFAULT_IMAGE_TOKENS = 32_768;
// Tokens that OpenAI adds for each partial image.
const PARTIAL_IMAGE_TOKENS = 100;

/** Creates the operation of an image generation call. */
export const imagesOperation = (request: ImageRequest, write: ImagesWriter): Operation => ({
  isBilled: true,
  capability: 'images',
  isServedBy: ({ images }) => images !== undefined,
  promptText: () => request.prompt,
  maxPromptTokens: (_model, body_bytes) => body_bytes,
  maxCompletionTokens: (model) => maxCompletionTokens(request, model),
  maxImages: () => request.n ?? 1,
  translate: (adapter, target, unsupported) => {
    const operation = adapter.images!;
    return {
      request: operation.request(request, target, unsupported),
      whole: (text) => {
        const { result, usage } = operation.response(text);
        return { usage, written: () => '', body: write(result) };
      },
      stream: () => {
        throw new Error('translated images are not streamed');
      },
    };
  },
  ownResponse: () => Promise.reject(new Error('the gateway draws no images of its own')),
  countUsage: async () => {
    const completion_tokens = tokensOf(request);
    const usage = countedUsage(await countText(request.prompt), completion_tokens);
    return { ...usage, completion_image_tokens: completion_tokens, images: request.n ?? 1 };
  },
});

const maxCompletionTokens = ({ n, partial_images }: ImageRequest, model: Model): number => {
  const an_image = (model.max_output_tokens ?? DEFAULT_IMAGE_TOKENS) + (partial_images ?? 0) * PARTIAL_IMAGE_TOKENS;
  return an_image * (n ?? 1);
};

// https://platform.openai.com/docs/guides/image-generation#cost-and-latency
const IMAGE_TOKENS: ReadonlyMap<unknown, number> = new Map([
  ['low 1024x1024', 272],
  ['low 1024x1536', 408],
  ['low 1536x1024', 400],
  ['medium 1024x1024', 1_056],
  ['medium 1024x1536', 1_584],
  ['medium 1536x1024', 1_568],
  ['high 1024x1024', 4_160],
  ['high 1024x1536', 6_240],
  ['high 1536x1024', 6_208],
]);
const MAX_PUBLISHED_TOKENS = 6_240;

/**
 * Image tokens if the provider reported none: the published number, or the largest one if the model chose size or
 * quality.
 */
const tokensOf = ({ n, quality, size }: ImageRequest): number =>
  (IMAGE_TOKENS.get(`${String(quality)} ${String(size)}`) ?? MAX_PUBLISHED_TOKENS) * (n ?? 1);
