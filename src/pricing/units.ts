import type { PriceUnit } from './price-units.ts';
import type { Usage } from './usage.ts';

/**
 * Number of each unit that a call is charged for, without zeros. Uses of tools are not included: they may have no price.
 */
export type Units = Partial<Record<PriceUnit, number>>;

/**
 * Splits a call's tokens into units: those of the prompt sum to `prompt_tokens`, those of the response to
 * `completion_tokens`. Providers report kinds (audio, image) and treatments (cached, written, reasoned) as sums that
 * may overlap. An overlap that is not reported is assumed to be as small as possible.
 * @param usage parts are not larger than their wholes
 */
export const unitsOf = (usage: Usage): Units => {
  const units: Units = { request: 1 };
  const put = (unit: PriceUnit, count: number): void => {
    if (count > 0) units[unit] = count;
  };
  const { prompt_tokens, cached_tokens, cache_write_tokens, prompt_audio_tokens } = usage;
  const prompt_image_tokens = usage.prompt_image_tokens ?? 0;
  const long_writes = Math.min(usage.long_cache_write_tokens ?? 0, cache_write_tokens);
  const special = prompt_audio_tokens + prompt_image_tokens;
  // So many cached or written tokens are of audio or images, at least.
  const overlap = Math.max(0, cached_tokens + cache_write_tokens + special - prompt_tokens);
  const reported_audio = Math.min(usage.cached_audio_tokens ?? 0, prompt_audio_tokens, cached_tokens);
  const reported_image = Math.min(usage.cached_image_tokens ?? 0, prompt_image_tokens, cached_tokens - reported_audio);
  const unreported = Math.max(0, overlap - reported_audio - reported_image);
  const more_audio = Math.min(
    unreported,
    prompt_audio_tokens - reported_audio,
    cached_tokens - reported_audio - reported_image,
  );
  const cached_audio = reported_audio + more_audio;
  const more_image = Math.min(
    unreported - more_audio,
    prompt_image_tokens - reported_image,
    cached_tokens - cached_audio - reported_image,
  );
  const cached_image = reported_image + more_image;
  // The rest of the overlap is written tokens, and is charged as such.
  const written = unreported - more_audio - more_image;
  const written_audio = Math.min(written, prompt_audio_tokens - cached_audio);
  const audio = prompt_audio_tokens - cached_audio - written_audio;
  const image = prompt_image_tokens - cached_image - (written - written_audio);
  put('input', prompt_tokens - cached_tokens - cache_write_tokens - audio - image);
  put('cached_input', cached_tokens - cached_audio - cached_image);
  put('cache_write', cache_write_tokens - long_writes);
  put('long_cache_write', long_writes);
  put('audio_input', audio);
  put('cached_audio_input', cached_audio);
  put('image_input', image);
  put('cached_image_input', cached_image);

  const { completion_tokens, completion_audio_tokens } = usage;
  const completion_image_tokens = usage.completion_image_tokens ?? 0;
  const spoken = completion_audio_tokens + completion_image_tokens;
  const reasoning = Math.min(usage.reasoning_tokens, completion_tokens - spoken);
  put('output', completion_tokens - spoken - reasoning);
  put('reasoning', reasoning);
  put('audio_output', completion_audio_tokens);
  put('image_output', completion_image_tokens);
  put('image', usage.images ?? 0);
  put('audio_second', usage.audio_seconds ?? 0);
  put('character', usage.characters ?? 0);
  return units;
};
