import type { CompatibleProvider } from '../../compatible-providers.ts';
import type { RequestTarget, Upstream, UpstreamRequest } from '../../contract.ts';
import type { AudioProfile, PostAudio } from '../audio.ts';
import type { ChatProfile } from '../compatibility-profile.ts';
import type { EmbeddingsProfile } from '../embeddings.ts';
import { get, post, postAudio } from '../post.ts';
import type { RealtimeProfile } from '../realtime.ts';
import { createBodyWriter } from './body.ts';
import { createChoicesReader } from './choices.ts';
import { createUsageReader } from './usage.ts';

/** The differences of a compatible provider from OpenAI, by its entry in the table. */
export const createProfile = (entry: CompatibleProvider): ChatProfile => ({
  name: entry.provider_name,
  takes: new Set(entry.takes),
  wants_reasoning_back: entry.wants_reasoning_back === true,
  requests_usage: entry.stream_options !== false,
  probe: (upstream) => probeOf(entry, upstream),
  post: (body, target) => post(pathOf(entry, target), body, target, entry.key_header ?? null),
  adapt: createBodyWriter(entry),
  choices: createChoicesReader(entry),
  usage: createUsageReader(entry),
});

/** The same for embeddings; null if it has none. The gateway needs numbers, which every server returns by default. */
export const createEmbeddingsProfile = (entry: CompatibleProvider): EmbeddingsProfile | null => {
  const { provider, provider_name, base_url, docs, embeddings } = entry;
  if (embeddings === undefined) return null;
  const { path = '/embeddings', refuses, renames } = embeddings;
  const ignores = ['encoding_format', ...(embeddings.ignores ?? [])];
  return {
    name: provider_name,
    post: (body, target) => post(at(entry, path, target), body, target, entry.key_header ?? null),
    adapt: createBodyWriter({ provider, provider_name, base_url, docs, refuses, renames, ignores }),
  };
};

/** The same for realtime sessions. */
export const createRealtimeProfile = ({ realtime, key_header }: CompatibleProvider): RealtimeProfile | null =>
  realtime === undefined ? null : { path: realtime.path ?? '/realtime', key_header: key_header ?? null };

/** Likewise its endpoints for audio. */
export const createAudioProfile = (entry: CompatibleProvider): AudioProfile => {
  const postTo =
    (path: string): PostAudio =>
    (body, target, content_type) =>
      postAudio(at(entry, path, target), body, target, { content_type, key_header: entry.key_header ?? null });
  const { speech, transcriptions } = entry;
  return {
    speech: speech === undefined ? null : postTo(speech.path ?? '/audio/speech'),
    transcriptions: transcriptions === undefined ? null : postTo(transcriptions.path ?? '/audio/transcriptions'),
  };
};

const pathOf = (entry: CompatibleProvider, target: RequestTarget): string =>
  at(entry, entry.path ?? '/chat/completions', target);

const at = (entry: CompatibleProvider, path: string, { model, upstream }: RequestTarget): string =>
  withQuery(
    entry,
    path.replace('{model}', () => encodeURIComponent(model)),
    upstream,
  );

/** A GET of the list of models; a chat of one token for a provider that has no such list. */
const probeOf = (entry: CompatibleProvider, upstream: Upstream): UpstreamRequest => {
  const { probe = '/models', key_header = null, models = [] } = entry;
  if (probe !== null) return get(withQuery(entry, probe, upstream), upstream, key_header);
  const [first] = models;
  const model = first?.served_as ?? first?.model ?? '';
  const body = { model, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1 };
  const target = { model, stream: false, upstream };
  return post(pathOf(entry, target), JSON.stringify(body), target, key_header);
};

const withQuery = ({ query = {} }: CompatibleProvider, path: string, { base_url }: Upstream): string => {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (typeof value === 'string') parameters.set(name, value);
  for (const [name, value] of new URL(base_url).searchParams) parameters.set(name, value);
  return parameters.size === 0 ? path : `${path}?${parameters}`;
};
