import type { CatalogModel, OwnPrice } from './model.ts';

const chat = (model: string, family: string, max_output_tokens: number): CatalogModel => ({
  provider: 'openai',
  model,
  family,
  max_output_tokens,
  vision: true,
});

const realtime = (model: string, max_output_tokens: number): CatalogModel => ({
  provider: 'openai',
  model,
  family: 'gpt-realtime',
  kind: 'realtime',
  max_output_tokens,
});

const transcription = (model: string, max_output_tokens: number): CatalogModel => ({
  provider: 'openai',
  model,
  family: 'gpt-4o-transcribe',
  kind: 'transcription',
  max_output_tokens,
});

const own = (unit: OwnPrice['unit'], pico: string): Pick<CatalogModel, 'priced_as' | 'own_price'> => ({
  priced_as: null,
  own_price: { unit, pico, source: 'https://platform.openai.com/docs/pricing' },
});

export const OPENAI: readonly CatalogModel[] = [
  chat('gpt-4o', 'gpt-4o', 16_384),
  chat('gpt-4o-mini', 'gpt-4o', 16_384),
  chat('gpt-4.1', 'gpt-4.1', 32_768),
  chat('gpt-4.1-mini', 'gpt-4.1', 32_768),
  chat('gpt-4.1-nano', 'gpt-4.1', 32_768),
  chat('gpt-5', 'gpt-5', 128_000),
  chat('gpt-5-mini', 'gpt-5', 128_000),
  chat('gpt-5-nano', 'gpt-5', 128_000),
  chat('gpt-5.4', 'gpt-5.4', 128_000),
  chat('o4-mini', 'o4', 100_000),
  // Vectors of texts: nothing is written, so nothing is paid for output.
  { provider: 'openai', model: 'text-embedding-3-small', family: 'text-embedding-3', kind: 'embeddings' },
  { provider: 'openai', model: 'text-embedding-3-large', family: 'text-embedding-3', kind: 'embeddings' },
  { provider: 'openai', model: 'text-embedding-ada-002', family: 'text-embedding-ada', kind: 'embeddings' },
  // Pictures: the most tokens that one has, where OpenAI publishes them (1024x1536 at high quality).
  {
    provider: 'openai',
    model: 'gpt-image-1',
    family: 'gpt-image-1',
    kind: 'images',
    max_output_tokens: 6_240,
  },
  {
    provider: 'openai',
    model: 'gpt-image-1-mini',
    family: 'gpt-image-1',
    kind: 'images',
    max_output_tokens: 6_240,
  },
  {
    provider: 'openai',
    model: 'gpt-image-1.5',
    family: 'gpt-image-1',
    kind: 'images',
    max_output_tokens: 6_240,
  },
  { provider: 'openai', model: 'gpt-image-2', family: 'gpt-image-2', kind: 'images' },
  // Sessions over WebSocket; the most tokens are those of one response.
  realtime('gpt-realtime', 4_096),
  { ...realtime('gpt-realtime-mini', 4_096), context_window_tokens: 32_000 },
  realtime('gpt-realtime-2', 32_000),
  // Speech of a text; the window is the longest input. The most tokens of audio follow from the text.
  {
    provider: 'openai',
    model: 'gpt-4o-mini-tts',
    family: 'gpt-4o-mini-tts',
    kind: 'speech',
    context_window_tokens: 2_000,
  },
  // Charged by the character: 15 and 30 USD for a million.
  { provider: 'openai', model: 'tts-1', family: 'tts-1', kind: 'speech', ...own('character', '15000000') },
  { provider: 'openai', model: 'tts-1-hd', family: 'tts-1', kind: 'speech', ...own('character', '30000000') },
  // Text of speech.
  transcription('gpt-4o-transcribe', 2_000),
  transcription('gpt-4o-mini-transcribe', 2_000),
  {
    ...transcription('gpt-4o-transcribe-diarize', 2_000),
    context_window_tokens: 16_000,
    // OpenAI charges the same for both; the price data has one of them.
    priced_as: ['openai', 'gpt-4o-transcribe'],
  },
  // Charged by the second: 0.006 USD for a minute.
  {
    provider: 'openai',
    model: 'whisper-1',
    family: 'whisper',
    kind: 'transcription',
    ...own('audio_second', '100000000'),
  },
];
