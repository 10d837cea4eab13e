import type { Model } from '../../../catalog/snapshot.ts';
import type { Rating } from '../../../pricing/rating.ts';
import type { EmbeddingRequest, EmbeddingResponse } from '../../../providers/embedding-form.ts';
import type { FinishedCall, Operation } from '../operation.ts';
import { countedUsage, countText, textOfTokens } from '../token-count.ts';
import { type UnsupportedField, unsupportedOf } from './chat.ts';

/** A call for embeddings as a client protocol has read it into the pivot form; the fields mean what they do in `ReadChat`. */
export interface ReadEmbeddings {
  readonly request: EmbeddingRequest;
  readonly unsupported: readonly UnsupportedField[];
  readonly locate: (param: string) => string;
}

/** Reads a reply; gives what writes it for the client once usage and cost are known. @throws OneVaultError provider_malformed */
export type EmbeddingsWriter = (response: EmbeddingResponse) => (call: FinishedCall, rating: Rating) => string;

/** Vectors of texts: only the prompt is paid for. */
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
  ownResponse: () => Promise.reject(new Error('we make no embeddings of our own')),
  countUsage: async () => countedUsage(await countInputs(read.request), 0),
});

type Input = EmbeddingRequest['input'];

const promptText = async ({ input, title }: EmbeddingRequest): Promise<string> => {
  const texts = typeof title === 'string' ? [title] : [];
  for (const each of inputsOf(input)) texts.push(typeof each === 'string' ? each : await textOfTokens(each));
  return texts.join('\n');
};

/** One input an item: a text, or tokens. */
const inputsOf = (input: Input): readonly (string | readonly number[])[] => {
  if (typeof input === 'string') return [input];
  return typeof input[0] === 'number' ? [input as readonly number[]] : (input as readonly string[]);
};

/** No input is longer than the model takes, and none has more tokens than bytes. */
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
