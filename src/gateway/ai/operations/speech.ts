import type { Model } from '../../../catalog/snapshot.ts';
import type { Operation } from '../operation.ts';
import { countedUsage, countText } from '../token-count.ts';

export interface SpeechRequest {
  readonly model: string;
  readonly input: string;
  readonly instructions?: string | null;
  readonly speed?: number | null;
}

// OpenAI publishes 0.015 USD a minute at 12 USD for a million tokens of audio: 1,250 tokens a minute, 20.8 a second.
const AUDIO_TOKENS_PER_SECOND = 21;
// No language needs more time for a byte of UTF-8 text, not even for digits that are read one by one.
const MAX_SECONDS_PER_BYTE = 1;
// 150 words a minute, the usual speed of reading aloud, are about 3.3 tokens a second. This count assumes a slower
// voice.
const SPOKEN_TOKENS_PER_SECOND = 2.5;

/**
 * Creates the operation of a speech call. The provider writes audio and reports its tokens only in a stream of events.
 */
export const speechOperation = (request: SpeechRequest): Operation => ({
  isBilled: true,
  capability: 'speech',
  isServedBy: ({ passthroughs }) => Object.hasOwn(passthroughs, 'openai-speech'),
  promptText: () => promptText(request),
  maxPromptTokens: ({ context_window_tokens }, body_bytes) => Math.min(body_bytes, context_window_tokens ?? body_bytes),
  maxCompletionTokens: (model) => maxAudioTokens(request, model),
  countCharacters: () => codePoints(request.input),
  translate: () => {
    throw new Error('speech has no translation');
  },
  ownResponse: () => Promise.reject(new Error('speech has no response of the gateway')),
  countUsage: async () => {
    const seconds = (await countText(request.input)) / SPOKEN_TOKENS_PER_SECOND / speedOf(request);
    const audio_tokens = Math.ceil(seconds * AUDIO_TOKENS_PER_SECOND);
    const usage = countedUsage(await countText(promptText(request)), audio_tokens);
    return { ...usage, completion_audio_tokens: audio_tokens };
  },
});

const codePoints = (text: string): number => {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
};

const promptText = ({ input, instructions }: SpeechRequest): string =>
  typeof instructions === 'string' ? `${input}\n${instructions}` : input;

const speedOf = ({ speed }: SpeechRequest): number => speed ?? 1;

const maxAudioTokens = (request: SpeechRequest, { max_output_tokens }: Model): number => {
  const max_seconds = (Buffer.byteLength(request.input) * MAX_SECONDS_PER_BYTE) / speedOf(request);
  return Math.min(Math.ceil(max_seconds * AUDIO_TOKENS_PER_SECOND), max_output_tokens ?? Number.MAX_SAFE_INTEGER);
};
