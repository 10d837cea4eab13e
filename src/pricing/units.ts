import type { PriceUnit } from './price-units.ts';
import type { Usage } from './usage.ts';

/**
 * How many of each unit a call is charged for; units of which there is none are left out. Uses of tools are not among
 * them: they may have no price.
 */
export type Units = Partial<Record<PriceUnit, number>>;

/**
 * Parts a call's tokens into units: those of the prompt sum to `prompt_tokens`, those of the reply to
 * `completion_tokens`. Providers tell kinds (audio, image) and treatments (cached, written, reasoned) as sums that
 * may overlap; where they do not tell how far, they overlap no more than they must.
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
  const told_audio = Math.min(usage.cached_audio_tokens ?? 0, prompt_audio_tokens, cached_tokens);
  const told_image = Math.min(usage.cached_image_tokens ?? 0, prompt_image_tokens, cached_tokens - told_audio);
  const untold = Math.max(0, overlap - told_audio - told_image);
  const more_audio = Math.min(untold, prompt_audio_tokens - told_audio, cached_tokens - told_audio - told_image);
  const cached_audio = told_audio + more_audio;
  const more_image = Math.min(
    untold - more_audio,
    prompt_image_tokens - told_image,
    cached_tokens - cached_audio - told_image,
  );
  const cached_image = told_image + more_image;
  // What overlaps still was written: it is charged as that.
  const written = untold - more_audio - more_image;
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
  return units;
};
