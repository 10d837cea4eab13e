import type { Usage } from '../../../pricing/usage.ts';
import type { JsonObject } from '../../chat-form.ts';
import type { CompatibleProvider, UsageProfile } from '../../compatible-providers.ts';
import { isObject, tokenCount } from '../../json.ts';
import { usageOf } from '../usage.ts';

/** Reads usage where a provider of the family tells it, in its own words where it has some. */
export const createUsageReader = ({ usage: profile = {} }: CompatibleProvider) => {
  const places = (profile.at ?? ['usage']).map((path) => path.split('.'));
  return (reply: JsonObject): Usage | null => {
    for (const place of places) {
      const json = at(reply, place);
      if (json === undefined || json === null) continue;
      const told = usageOf(json);
      return told === null || !isObject(json) ? told : withOwnWords(told, json, profile);
    }
    return null;
  };
};

const at = (value: unknown, place: readonly string[]): unknown =>
  place.reduce<unknown>((found, name) => (isObject(found) ? found[name] : undefined), value);

const withOwnWords = (told: Usage, json: JsonObject, profile: UsageProfile): Usage => {
  const own = (field: string | undefined): number =>
    field === undefined ? 0 : tokenCount(json[field], `usage.${field}`);
  const cached_tokens = Math.max(told.cached_tokens, own(profile.cached));
  const reasoning_tokens = Math.max(told.reasoning_tokens, own(profile.reasoning));
  const completion_tokens = told.completion_tokens + (profile.reasoning_is_apart === true ? reasoning_tokens : 0);
  const total_tokens = told.prompt_tokens + completion_tokens;
  return { ...told, cached_tokens, reasoning_tokens, completion_tokens, total_tokens };
};
