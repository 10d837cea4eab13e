import type { RouteContract, RouteResponse } from '../http/route.ts';
import { OPEN_OBJECT } from '../http/schemas.ts';

// Bodies belong to the providers' protocols: their SDKs know them, and new fields pass through.
const BODY = { schema: OPEN_OBJECT } as const;
const PROVIDER_BODY: RouteResponse = {
  description: "Body in the form of the endpoint's protocol.",
  schema: OPEN_OBJECT,
  form: 'bare',
};
const STREAMED: RouteResponse = { ...PROVIDER_BODY, content_types: ['application/json', 'text/event-stream'] };

const FORM = { schema: OPEN_OBJECT, content_types: ['multipart/form-data'] } as const;
const AUDIO_TYPES = ['audio/mpeg', 'audio/wav', 'audio/pcm', 'audio/aac', 'audio/flac', 'audio/opus'] as const;
const AUDIO: RouteResponse = {
  description: 'Audio in chunks, or events.',
  schema: {},
  form: 'bare',
  content_types: [...AUDIO_TYPES, 'application/octet-stream', 'text/event-stream'],
};
const TRANSCRIPT: RouteResponse = {
  ...PROVIDER_BODY,
  schema: {},
  content_types: ['application/json', 'text/plain', 'text/vtt', 'text/event-stream'],
};

const CALL_ERRORS = {
  402: 'The call can cost more than the rest of the budget.',
  403: 'The key has no permission for this.',
  404: 'The model is unknown, or the customer may not use it.',
  409: 'The Idempotency-Key belongs to a call that was executed, or that is running.',
  413: 'The body is too large.',
  415: 'The endpoint does not accept this content type.',
  422: 'The model has no price.',
  429: 'Too many requests.',
  502: 'The provider failed.',
  503: 'The gateway is overloaded, or cannot record the call.',
  504: 'The provider did not respond in time.',
} as const;

const call = (path: string, operation_id: string, summary: string, is_streamed = false): RouteContract => ({
  method: 'post',
  path,
  operation_id,
  plane: 'gateway',
  summary,
  permission: 'call.create',
  body: BODY,
  responses: { 200: is_streamed ? STREAMED : PROVIDER_BODY },
  errors: CALL_ERRORS,
});

const read = (path: string, operation_id: string, summary: string, aliases: readonly string[] = []): RouteContract => ({
  method: 'get',
  path,
  aliases,
  operation_id,
  plane: 'gateway',
  summary,
  permission: 'model.list',
  responses: { 200: PROVIDER_BODY },
  errors: { 403: 'The key has no permission for this.', 404: 'The model is unknown.' },
});

/** Contracts of the gateway's endpoints, for OpenAPI. */
export const GATEWAY_CONTRACTS: readonly RouteContract[] = [
  call('/v1/chat/completions', 'openai.chat_completions', 'OpenAI: a chat completion', true),
  call('/v1/responses', 'openai.responses', 'OpenAI: a response', true),
  call('/v1/embeddings', 'openai.embeddings', 'OpenAI: embeddings'),
  call('/v1/images/generations', 'openai.images', 'OpenAI: images'),
  { ...call('/v1/audio/speech', 'openai.speech', 'OpenAI: speech of a text'), responses: { 200: AUDIO } },
  {
    ...call('/v1/audio/transcriptions', 'openai.transcriptions', 'OpenAI: the text of speech'),
    body: FORM,
    responses: { 200: TRANSCRIPT },
  },
  call('/v1/messages', 'anthropic.messages', 'Anthropic: a message', true),
  call('/v1/messages/count_tokens', 'anthropic.count_tokens', 'Anthropic: the tokens of a message'),
  call('/v1beta/models/{model}:generateContent', 'google.generate_content', 'Google: content'),
  call('/v1beta/models/{model}:streamGenerateContent', 'google.stream_content', 'Google: content, streamed', true),
  call('/v1beta/models/{model}:countTokens', 'google.count_tokens', 'Google: the tokens of a prompt'),
  call('/v1beta/models/{model}:embedContent', 'google.embed_content', 'Google: an embedding'),
  call('/v1beta/models/{model}:batchEmbedContents', 'google.embed_contents', 'Google: embeddings'),
  call('/v1/ai/completions', 'ai.completions', 'A completion, whatever the provider', true),
  call('/v1/ai/embeddings', 'ai.embeddings', 'Embeddings, whatever the provider'),
  call('/v1/ai/images/generations', 'ai.images', 'Images, whatever the provider'),
  read('/v1/models', 'openai.models', 'OpenAI: the models that the caller may use', ['/models']),
  read('/v1/models/{model}', 'openai.model', 'OpenAI: one model'),
  read('/v1beta/models', 'google.models', 'Google: the models that the caller may use'),
  read('/v1beta/models/{model}', 'google.model', 'Google: one model'),
  read('/v1/ai/models', 'ai.models', 'Capabilities, limits and providers of each model'),
  {
    method: 'get',
    path: '/v1/realtime',
    operation_id: 'openai.realtime',
    plane: 'gateway',
    summary: 'OpenAI: a session over WebSocket',
    permission: 'call.create',
    query: { model: { schema: { type: 'string' }, description: 'Model of the session.' } },
    responses: { 101: { description: 'The connection changes to WebSocket.', schema: null } },
    errors: { ...CALL_ERRORS, 426: 'The request has no WebSocket upgrade.' },
  },
];
