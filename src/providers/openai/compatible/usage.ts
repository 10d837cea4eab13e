import type { Usage } from '../../../pricing/usage.ts';
import type { JsonObject } from '../../chat-form.ts';
import type { CompatibleProvider, UsageProfile } from '../../compatible-providers.ts';
import { isObject, tokenCount } from '../../json.ts';
import { usageOf } from '../usage.ts';

/** Reads the usage of a compatible provider, at its place and with its own field names. */
export const createUsageReader = ({ usage: profile = {} }: CompatibleProvider) => {
  const places = (profile.at ?? ['usage']).map((path) => path.split('.'));
  return (response: JsonObject): Usage | null => {
    for (const place of places) {
      const json = at(response, place);
      if (json === undefined || json === null) continue;
      const reported = usageOf(json);
      return reported === null || !isObject(json) ? reported : withOwnFields(reported, json, profile);
    }
    return null;
  };
};

const at = (value: unknown, place: readonly string[]): unknown =>
  place.reduce<unknown>((found, name) => (isObject(found) ? found[name] : undefined), value);

const withOwnFields = (reported: Usage, json: JsonObject, profile: UsageProfile): Usage => {
  const own = (field: string | undefined): number =>
    field === undefined ? 0 : tokenCount(json[field], `usage.${field}`);
  const cached_tokens = Math.max(reported.cached_tokens, own(profile.cached));
  const reasoning_tokens = Math.max(reported.reasoning_tokens, own(profile.reasoning));
  const completion_tokens = reported.completion_tokens + (profile.reasoning_is_apart === true ? reasoning_tokens : 0);
  const total_tokens = reported.prompt_tokens + completion_tokens;
  return { ...reported, cached_tokens, reasoning_tokens, completion_tokens, total_tokens };
};
