import type { Usage } from '../../../pricing/usage.ts';
import { countedUsage } from '../token-count.ts';

const PARTS = [
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'cached_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
  'prompt_audio_tokens',
  'completion_audio_tokens',
  'prompt_image_tokens',
  'completion_image_tokens',
  'cached_audio_tokens',
  'cached_image_tokens',
] as const satisfies readonly (keyof Usage)[];

/** The usage of two parts of a session; the longest prompt of either decides its prices. */
export const sumOf = (a: Usage | null, b: Usage): Usage => ({
  ...countedUsage(0, 0),
  ...Object.fromEntries(PARTS.map((part) => [part, (a?.[part] ?? 0) + (b[part] ?? 0)])),
  longest_prompt_tokens: Math.max(a?.longest_prompt_tokens ?? 0, b.longest_prompt_tokens ?? b.prompt_tokens),
});
