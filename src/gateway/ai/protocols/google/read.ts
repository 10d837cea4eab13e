import type { ChatRequest, JsonObject } from '../../../../providers/chat-form.ts';
import type { ReadChat } from '../../operations/chat.ts';
import { createReaders, type Fields, NOTHING_LIKE_IT, type Read, readField } from '../read-fields.ts';
import { createReading, type Reading } from '../reading.ts';
import type { GenerateRequest } from './generate-request.ts';
import { readConfig } from './read-config.ts';
import { readContents } from './read-contents.ts';
import { generateContentTools } from './read-hosted-tools.ts';
import { readCalling, readTools } from './read-tools.ts';

interface Options {
  readonly model: string;
  readonly stream: boolean;
}

/**
 * Converts a generateContent request to the pivot form.
 * @throws OneVaultError invalid_request, naming the field
 */
export const readRequest = (body: GenerateRequest, { model, stream }: Options): ReadChat => {
  const reading = createReading(NAMES);
  const chat: Fields = { model, messages: readContents(body, reading), ...(stream ? { stream } : {}) };
  for (const [field, value] of Object.entries(body)) {
    if (READ_ELSEWHERE.has(field) || value === undefined) continue;
    readField(READERS, [field, field], value, chat, reading);
  }
  const places = readFunctions(body, chat, reading);
  readConfig(body.generationConfig ?? {}, chat, reading);
  const { unsupported, unread } = reading;
  const locate = (param: string): string => {
    const [, index] = /^tools\[(\d+)\]/.exec(param) ?? [];
    if (index === undefined || !Array.isArray(chat.tools)) return reading.locate(param);
    return places.get(chat.tools[Number(index)] as JsonObject) ?? 'tools';
  };
  return {
    chat: chat as unknown as ChatRequest,
    unsupported,
    unread,
    hosted_tools: generateContentTools(body),
    locate,
  };
};

const READ_ELSEWHERE: ReadonlySet<string> = new Set([
  'contents',
  'generationConfig',
  // The path names it.
  'model',
  'systemInstruction',
  'toolConfig',
  'tools',
]);

/**
 * Adds the functions to the pivot form.
 * @returns the client's path of each function
 */
const readFunctions = (
  { tools = [], toolConfig = {} }: GenerateRequest,
  chat: Fields,
  reading: Reading,
): ReadonlyMap<JsonObject, string> => {
  const { functionCallingConfig, ...more } = toolConfig;
  for (const [field, value] of Object.entries(more)) {
    reading.addUnsupported(`toolConfig.${field}`, NOTHING_LIKE_IT, value);
  }
  const places = readTools(tools, reading);
  if (places.size === 0) return places;
  chat.tools = [...places.keys()];
  if (functionCallingConfig !== undefined) {
    Object.assign(chat, readCalling(functionCallingConfig, [...places.keys()], reading));
  }
  return places;
};

// Thresholds that block nothing. Other providers have no such filters.
const NO_FILTER: ReadonlySet<unknown> = new Set(['OFF', 'BLOCK_NONE', 'HARM_BLOCK_THRESHOLD_UNSPECIFIED']);

const safetySettings: Read = (value, _chat, reading) => {
  (value as readonly JsonObject[]).forEach((setting, index) => {
    if (NO_FILTER.has(setting.threshold ?? 'OFF')) return;
    reading.addUnsupported(`safetySettings[${index}]`, 'Other providers have no such filters', setting);
  });
};

const TIERS: ReadonlyMap<unknown, string> = new Map([
  ['standard', 'default'],
  ['flex', 'flex'],
  ['priority', 'priority'],
]);

const serviceTier: Read = (value, chat, reading) => {
  const tier = TIERS.get(value);
  if (tier !== undefined) chat.service_tier = tier;
  else if (value !== 'unspecified') reading.addUnsupported('serviceTier', 'Other providers have no such tier', value);
};

const store: Read = (value, _chat, reading) => {
  if (value !== false) reading.addUnsupported('store', NOTHING_LIKE_IT, value);
};

const READERS = createReaders({
  safetySettings,
  serviceTier,
  store,
  // Labels are for the client's accounting and do not change the response.
  labels: () => {},
});

/** Google's names of fields of the pivot form. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['frequency_penalty', 'generationConfig.frequencyPenalty'],
  ['logprobs', 'generationConfig.responseLogprobs'],
  ['max_completion_tokens', 'generationConfig.maxOutputTokens'],
  ['n', 'generationConfig.candidateCount'],
  ['presence_penalty', 'generationConfig.presencePenalty'],
  ['reasoning_effort', 'generationConfig.thinkingConfig'],
  ['response_format', 'generationConfig.responseMimeType'],
  ['seed', 'generationConfig.seed'],
  ['service_tier', 'serviceTier'],
  ['stop', 'generationConfig.stopSequences'],
  ['temperature', 'generationConfig.temperature'],
  ['thinking', 'generationConfig.thinkingConfig'],
  ['tool_choice', 'toolConfig.functionCallingConfig'],
  ['top_k', 'generationConfig.topK'],
  ['top_logprobs', 'generationConfig.logprobs'],
  ['top_p', 'generationConfig.topP'],
]);
