import type { Model } from '../../../catalog/snapshot.ts';
import type { Rating } from '../../../pricing/rating.ts';
import type { ImageRequest, ImageResponse } from '../../../providers/image-form.ts';
import type { FinishedCall, Operation } from '../operation.ts';
import { countedUsage, countText } from '../token-count.ts';

/** Reads a reply; gives what writes it for the client once usage and cost are known. @throws OneVaultError provider_malformed */
export type ImagesWriter = (response: ImageResponse) => (call: FinishedCall, rating: Rating) => string;

// A picture of the largest size at the best quality, where the catalog does not say (OpenAI publishes 6,240 tokens
// for gpt-image-1 and lets later models draw four times as many pixels).
const LARGEST_IMAGE_TOKENS = 32_768;
// What OpenAI adds for each picture that it shows half done.
const PARTIAL_IMAGE_TOKENS = 100;

/** Pictures of a description. */
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
        throw new Error('pictures that are translated are not streamed');
      },
    };
  },
  ownResponse: () => Promise.reject(new Error('we draw no pictures of our own')),
  countUsage: async () => {
    const completion_tokens = tokensOf(request);
    const usage = countedUsage(await countText(request.prompt), completion_tokens);
    return { ...usage, completion_image_tokens: completion_tokens, images: request.n ?? 1 };
  },
});

const maxCompletionTokens = ({ n, partial_images }: ImageRequest, model: Model): number => {
  const an_image = (model.max_output_tokens ?? LARGEST_IMAGE_TOKENS) + (partial_images ?? 0) * PARTIAL_IMAGE_TOKENS;
  return an_image * (n ?? 1);
};

// https://platform.openai.com/docs/guides/image-generation#cost-and-latency
const PICTURE_TOKENS: ReadonlyMap<unknown, number> = new Map([
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
const DEAREST_PICTURE_TOKENS = 6_240;

/** The pictures' tokens where the provider told none: as published, and of what is left to the model, the most. */
const tokensOf = ({ n, quality, size }: ImageRequest): number =>
  (PICTURE_TOKENS.get(`${String(quality)} ${String(size)}`) ?? DEAREST_PICTURE_TOKENS) * (n ?? 1);
