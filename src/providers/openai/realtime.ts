import type { Usage } from '../../pricing/usage.ts';
import type { JsonObject } from '../chat-form.ts';
import type { RealtimeProtocol } from '../contract.ts';
import { isObject, malformed, tokenCount } from '../json.ts';
import { get } from './post.ts';

/** Differences of a compatible server's realtime protocol from OpenAI's. */
export interface RealtimeProfile {
  /** Path after the base URL. The model is added to its query. */
  readonly path: string;
  /** Header that carries the plain key; null for a bearer token. */
  readonly key_header: string | null;
}

// Headers of the client for OpenAI: the version of the protocol, and the id of the end user.
const PASSED_HEADERS = ['openai-beta', 'openai-safety-identifier'] as const;

/** Sessions over WebSocket (https://platform.openai.com/docs/guides/realtime-websocket). */
export const createRealtime = ({ path, key_header }: RealtimeProfile): RealtimeProtocol => ({
  request: ({ model, upstream }, headers) => {
    const query = new URLSearchParams({ model });
    const { 'content-type': _type, accept: _accept, ...authorization } = get(path, upstream, key_header).headers;
    const forwarded = PASSED_HEADERS.flatMap((name) => {
      const value = headers[name];
      return typeof value === 'string' ? [[name, value] as const] : [];
    });
    return { path: `${path}?${query}`, headers: { ...Object.fromEntries(forwarded), ...authorization } };
  },
  usage: ({ usage }) => usageOf(usage),
});

export const OPENAI_REALTIME: RealtimeProfile = { path: '/realtime', key_header: null };

/** Usage of the event `response.done`; null if it is missing. @throws OneVaultError provider_malformed */
const usageOf = (usage: unknown): Usage | null => {
  if (usage === undefined || usage === null) return null;
  if (!isObject(usage)) throw malformed('usage is not an object');
  const input = objectOf(usage.input_token_details);
  const output = objectOf(usage.output_token_details);
  const cached = objectOf(input.cached_tokens_details);
  const prompt_tokens = tokenCount(usage.input_tokens, 'usage.input_tokens');
  const completion_tokens = tokenCount(usage.output_tokens, 'usage.output_tokens');
  const inputs = (from: JsonObject, name: string): number =>
    tokenCount(from[name], `usage.input_token_details.*.${name}`);
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    cached_tokens: inputs(input, 'cached_tokens'),
    cache_write_tokens: 0,
    reasoning_tokens: tokenCount(output.reasoning_tokens, 'usage.output_token_details.reasoning_tokens'),
    prompt_audio_tokens: inputs(input, 'audio_tokens'),
    completion_audio_tokens: tokenCount(output.audio_tokens, 'usage.output_token_details.audio_tokens'),
    prompt_image_tokens: inputs(input, 'image_tokens'),
    cached_audio_tokens: inputs(cached, 'audio_tokens'),
    cached_image_tokens: inputs(cached, 'image_tokens'),
  };
};

const objectOf = (value: unknown): JsonObject => (isObject(value) ? value : {});
