import { anthropicCountTokens } from './anthropic/count-tokens.ts';
import { anthropicModel, anthropicModels } from './anthropic/list-models.ts';
import { anthropicMessages } from './anthropic/messages.ts';
import { anthropic } from './anthropic/protocol.ts';
import { type Json, SandboxRefusal } from './call.ts';
import { chatEndpoint } from './endpoints.ts';
import { googleCountTokens } from './google/count-tokens.ts';
import { googleBatchEmbed, googleEmbed } from './google/embed.ts';
import { googleGenerate } from './google/generate.ts';
import { googleModel, googleModels } from './google/list-models.ts';
import { google } from './google/protocol.ts';
import { openAiChat } from './openai/chat.ts';
import { openAiEmbeddings } from './openai/embeddings.ts';
import { parseForm } from './openai/form.ts';
import { createOpenAiImages, imageAt } from './openai/images.ts';
import { openAiModel, openAiModels } from './openai/list-models.ts';
import { openAi } from './openai/protocol.ts';
import { openAiResponses } from './openai/responses.ts';
import { openAiSpeech } from './openai/speech.ts';
import { openAiTranscriptions } from './openai/transcriptions.ts';
import type { Endpoint, Protocol, Target } from './protocol.ts';
import { createRespond, deliver, type ParseBody, prepareBytes, prepareText, type Respond, seedOf } from './respond.ts';

/** The parts of a request that select its endpoint. */
export interface Address {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** True with the header `anthropic-version`: OpenAI and Anthropic list models at the same path. */
  readonly speaks_anthropic: boolean;
}

export interface Route {
  readonly protocol: Protocol;
  readonly target: Target;
  readonly respond: Respond;
  /** True if the route needs no key. */
  readonly is_open: boolean;
}

const PLAIN: Target = { model: '', stream: null };

/** Finds the route of a request. @param origin returns the sandbox's own URL */
export const createRoutes = (origin: () => string): ((address: Address) => Route) => {
  const plain = (endpoint: Endpoint, parse?: ParseBody): Route => ({
    protocol: endpoint.protocol,
    target: PLAIN,
    respond: createRespond(endpoint, parse),
    is_open: false,
  });
  const fixed: ReadonlyMap<string, Route> = new Map([
    ['POST /v1/chat/completions', plain(chatEndpoint(openAiChat))],
    ['POST /v1/responses', plain(chatEndpoint(openAiResponses))],
    ['POST /v1/embeddings', plain(openAiEmbeddings)],
    ['POST /v1/images/generations', plain(createOpenAiImages(origin))],
    ['POST /v1/audio/speech', plain(openAiSpeech)],
    ['POST /v1/audio/transcriptions', plain(openAiTranscriptions, parseForm)],
    ['POST /v1/messages', plain(chatEndpoint(anthropicMessages))],
    ['POST /v1/messages/count_tokens', plain(anthropicCountTokens)],
  ]);
  const generate = createRespond(chatEndpoint(googleGenerate));
  const methods: ReadonlyMap<string, Respond> = new Map([
    ['generateContent', generate],
    ['streamGenerateContent', generate],
    ['countTokens', createRespond(googleCountTokens)],
    ['embedContent', createRespond(googleEmbed)],
    ['batchEmbedContents', createRespond(googleBatchEmbed)],
  ]);
  return (address) =>
    fixed.get(`${address.method} ${address.path}`) ??
    googleCall(methods, address) ??
    reading(address) ??
    unknown(address);
};

const GOOGLE_CALL = /^\/v1(?:beta)?\/models\/([^/:]+):([A-Za-z]+)$/;

const googleCall = (methods: ReadonlyMap<string, Respond>, { method, path, query }: Address): Route | null => {
  const [, name = '', verb = ''] = method === 'POST' ? (GOOGLE_CALL.exec(path) ?? []) : [];
  const respond = methods.get(verb);
  if (respond === undefined) return null;
  const form = /(?:^|&)alt=sse(?:&|$)/.test(query) ? 'sse' : 'list';
  const target = { model: decoded(name), stream: verb === 'streamGenerateContent' ? form : null } as const;
  return { protocol: google, target, respond, is_open: false };
};

const decoded = (name: string): string => {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
};

/** Routes without a body: models, and images. */
const reading = ({ method, path, query, speaks_anthropic }: Address): Route | null => {
  if (method !== 'GET') return null;
  const image = imageAt(path);
  if (image !== null) {
    return {
      ...given(openAi, () => ({})),
      respond: (_body, _target, response) =>
        deliver(response, prepareBytes(200, image, { 'content-type': 'image/png' })),
      is_open: true,
    };
  }
  const [, version, id] = /^\/(v1|v1beta)\/models(?:\/([^/]+))?$/.exec(path) ?? [];
  if (version === undefined) return null;
  const model = id === undefined ? null : decoded(id);
  if (version === 'v1beta') return given(google, () => (model === null ? googleModels(query) : googleModel(model)));
  if (speaks_anthropic) {
    return given(anthropic, () => (model === null ? anthropicModels() : anthropicModel(model)));
  }
  return given(openAi, () => (model === null ? openAiModels() : openAiModel(model)));
};

const given = (protocol: Protocol, make: () => Json): Route => ({
  protocol,
  target: PLAIN,
  respond: (body, _target, response) => {
    const headers = { 'content-type': 'application/json', ...protocol.headers(`req_${seedOf(body)}`, 200) };
    deliver(response, prepareText(200, JSON.stringify(make()), headers));
  },
  is_open: false,
});

const unknown = ({ method, path, speaks_anthropic }: Address): Route => {
  const protocol = path.startsWith('/v1beta/') ? google : speaks_anthropic ? anthropic : openAi;
  return given(protocol, () => {
    throw new SandboxRefusal(404, `Invalid URL (${method} ${path})`);
  });
};
