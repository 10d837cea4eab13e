import type { Model } from '../../../catalog/snapshot.ts';
import type { Operation } from '../operation.ts';
import { countedUsage, countText } from '../token-count.ts';

export interface TranscriptionRequest {
  /** All text that a person wrote. */
  readonly prompt: string;
  readonly file_bytes: number;
}

// OpenAI's models take 1,400 to 1,500 s of audio, which fills their window of 16,000 tokens: 10 tokens a second.
const AUDIO_TOKENS_PER_SECOND = 10;
// Lowest bit rate of Opus, 6 kbit/s (RFC 6716, section 2.1.1): no speech codec in use writes less for a second.
const MIN_BYTES_PER_SECOND = 750;
// Bounds of a model without limits in the catalog. A file of silence lasts longer than its bytes show.
const MAX_AUDIO_TOKENS = 131_072;
const MAX_TEXT_TOKENS = 131_072;

/**
 * Creates the operation of a transcription call. The provider counts audio in tokens and reports them, unless it
 * charges by the second.
 */
export const transcriptionOperation = ({ prompt, file_bytes }: TranscriptionRequest): Operation => ({
  isBilled: true,
  capability: 'transcription',
  isServedBy: ({ passthroughs }) => Object.hasOwn(passthroughs, 'openai-transcriptions'),
  promptText: () => prompt,
  maxPromptTokens: (model, body_bytes) => maxPromptTokens(model, body_bytes),
  maxCompletionTokens: ({ max_output_tokens }) => max_output_tokens ?? MAX_TEXT_TOKENS,
  maxAudioSeconds: () => Math.ceil(file_bytes / MIN_BYTES_PER_SECOND),
  translate: () => {
    throw new Error('a transcription has no translation');
  },
  ownResponse: () => Promise.reject(new Error('a transcription has no response of the gateway')),
  countUsage: async (written, audio_seconds = file_bytes / MIN_BYTES_PER_SECOND) => {
    const audio_tokens = Math.ceil(audio_seconds * AUDIO_TOKENS_PER_SECOND);
    const prompt_tokens = audio_tokens + (prompt === '' ? 0 : await countText(prompt));
    const usage = countedUsage(prompt_tokens, await countText(written));
    return { ...usage, prompt_audio_tokens: audio_tokens };
  },
});

const maxPromptTokens = ({ context_window_tokens }: Model, body_bytes: number): number =>
  context_window_tokens ?? Math.max(body_bytes, MAX_AUDIO_TOKENS);
