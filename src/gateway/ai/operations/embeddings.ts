import type { Model } from '../../../catalog/snapshot.ts';
import type { Rating } from '../../../pricing/rating.ts';
import type { EmbeddingRequest, EmbeddingResponse } from '../../../providers/embedding-form.ts';
import type { FinishedCall, Operation } from '../operation.ts';
import { countedUsage, countText, textOfTokens } from '../token-count.ts';
import { type UnsupportedField, unsupportedOf } from './chat.ts';

/** An embeddings request that a client protocol has parsed into the pivot form; for the fields, see `ReadChat`. */
export interface ReadEmbeddings {
  readonly request: EmbeddingRequest;
  readonly unsupported: readonly UnsupportedField[];
  readonly locate: (param: string) => string;
}

/**
 * Reads a response.
 * @returns a function that writes the client's body once usage and cost are known
 * @throws OneVaultError provider_malformed
 */
export type EmbeddingsWriter = (response: EmbeddingResponse) => (call: FinishedCall, rating: Rating) => string;

/** Creates the operation of an embeddings call. Only the prompt costs money. */
export const embeddingsOperation = (read: ReadEmbeddings, write: EmbeddingsWriter): Operation => ({
  isBilled: true,
  capability: 'embeddings',
  isServedBy: ({ embeddings }) => embeddings !== undefined,
  promptText: () => promptText(read.request),
  maxPromptTokens: (model, body_bytes) => maxPromptTokens(read.request, model, body_bytes),
  maxCompletionTokens: () => 0,
  translate: (adapter, target, unsupported) => {
    const operation = adapter.embeddings!;
    return {
      request: operation.request(read.request, target, unsupportedOf(read, unsupported)),
      whole: (text) => {
        const { result, usage } = operation.response(text);
        return { usage, written: () => '', body: write(result) };
      },
      stream: () => {
        throw new Error('embeddings are not streamed');
      },
    };
  },
  ownResponse: () => Promise.reject(new Error('the gateway has no embeddings of its own')),
  countUsage: async () => countedUsage(await countInputs(read.request), 0),
});

type Input = EmbeddingRequest['input'];

const promptText = async ({ input, title }: EmbeddingRequest): Promise<string> => {
  const texts = typeof title === 'string' ? [title] : [];
  for (const each of inputsOf(input)) texts.push(typeof each === 'string' ? each : await textOfTokens(each));
  return texts.join('\n');
};

/** The inputs as a list; each is a text or tokens. */
const inputsOf = (input: Input): readonly (string | readonly number[])[] => {
  if (typeof input === 'string') return [input];
  return typeof input[0] === 'number' ? [input as readonly number[]] : (input as readonly string[]);
};

/** No input is longer than the model's context, and none has more tokens than bytes. */
const maxPromptTokens = ({ input }: EmbeddingRequest, model: Model, body_bytes: number): number => {
  const { context_window_tokens } = model;
  if (context_window_tokens === null) return body_bytes;
  return Math.min(body_bytes, context_window_tokens * inputsOf(input).length);
};

const countInputs = async ({ input }: EmbeddingRequest): Promise<number> => {
  let tokens = 0;
  for (const each of inputsOf(input)) tokens += typeof each === 'string' ? await countText(each) : each.length;
  return tokens;
};
