import { type Json, SandboxRefusal } from '../call.ts';
import { checkGoogleModel } from './generate-request.ts';

// Every model name is accepted; only these are listed.
const MODELS = ['gemini-2.5-pro', 'gemini-2.5-flash', 'gemini-2.5-flash-lite', 'gemini-embedding-001'] as const;
const PAGE = 50;
const PAGE_MAX = 1_000;

/** The body of `GET /v1beta/models`. @param query of the URL @throws SandboxRefusal */
export const googleModels = (query: string): Json => {
  const parameters = new URLSearchParams(query);
  const size = Number(parameters.get('pageSize') ?? PAGE);
  const start = Number(parameters.get('pageToken') ?? 0);
  if (!Number.isInteger(size) || size < 0 || !Number.isInteger(start) || start < 0) {
    throw new SandboxRefusal(400, 'The page token or the page size is not valid.', 'page_token');
  }
  const end = start + Math.min(size === 0 ? PAGE : size, PAGE_MAX);
  const next = end < MODELS.length ? { nextPageToken: String(end) } : {};
  return { models: MODELS.slice(start, end).map(googleModel), ...next };
};

/** The body of `GET /v1beta/models/{id}`. @throws SandboxRefusal */
export const googleModel = (id: string): Json => {
  checkGoogleModel(id);
  return {
    name: `models/${id}`,
    version: '001',
    displayName: id,
    description: 'A model of the sandbox.',
    inputTokenLimit: 1_048_576,
    outputTokenLimit: 65_536,
    supportedGenerationMethods: id.includes('embedding')
      ? ['embedContent', 'countTokens']
      : ['generateContent', 'countTokens'],
    temperature: 1,
    topP: 0.95,
    topK: 64,
    maxTemperature: 2,
    thinking: true,
  };
};
