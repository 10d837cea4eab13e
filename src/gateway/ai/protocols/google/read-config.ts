import { isObject } from '../../../../providers/json.ts';
import { as, createReaders, type Fields, NOTHING_LIKE_IT, type Read, readFields } from '../read-fields.ts';
import type { Reading } from '../reading.ts';
import { isStrict } from '../strict-schema.ts';
import type { GenerationConfig } from './generate-request.ts';
import { jsonSchemaOf } from './read-schema.ts';

/** Converts the fields of `generationConfig` to the pivot form. */
export const readConfig = (config: GenerationConfig, chat: Fields, reading: Reading): void => {
  const plan = { readers: READERS, elsewhere: READ_TOGETHER, prefix: 'generationConfig.' };
  readFields(config, plan, chat, reading);
  readFormat(config, chat, reading);
  readThinking(config.thinkingConfig ?? {}, chat, reading);
};

const READ_TOGETHER: ReadonlySet<string> = new Set([
  'responseMimeType',
  'responseSchema',
  'responseJsonSchema',
  'thinkingConfig',
]);

/** Reader of a field that other providers lack. A value without an effect is ignored. */
const onlyNeutral =
  (field: string, isNeutral: (value: unknown) => boolean): Read =>
  (value, _chat, reading) => {
    if (isNeutral(value)) return;
    reading.addUnsupported(`generationConfig.${field}`, NOTHING_LIKE_IT, value);
  };

const isTextAlone = (value: unknown): boolean =>
  Array.isArray(value) && value.every((each) => String(each).toUpperCase() === 'TEXT');

const topLogprobs: Read = (value, chat) => {
  if (value !== 0) chat.top_logprobs = value;
};

const READERS = createReaders({
  maxOutputTokens: as('max_completion_tokens'),
  temperature: as('temperature'),
  topP: as('top_p'),
  topK: as('top_k'),
  seed: as('seed'),
  candidateCount: as('n'),
  stopSequences: as('stop'),
  frequencyPenalty: as('frequency_penalty'),
  presencePenalty: as('presence_penalty'),
  responseLogprobs: as('logprobs'),
  logprobs: topLogprobs,
  responseModalities: onlyNeutral('responseModalities', isTextAlone),
  mediaResolution: onlyNeutral('mediaResolution', (value) => value === 'MEDIA_RESOLUTION_UNSPECIFIED'),
  enableEnhancedCivicAnswers: onlyNeutral('enableEnhancedCivicAnswers', (value) => value === false),
});

const JSON_TYPE = 'application/json';

const readFormat = (config: GenerationConfig, chat: Fields, reading: Reading): void => {
  const { responseMimeType = 'text/plain', responseSchema, responseJsonSchema } = config;
  if (responseMimeType === 'text/plain') return;
  if (responseMimeType !== JSON_TYPE) {
    reading.addUnsupported(
      'generationConfig.responseMimeType',
      'Other providers write text or JSON only',
      responseMimeType,
    );
    return;
  }
  const schema =
    responseJsonSchema ??
    (responseSchema === undefined ? undefined : jsonSchemaOf(responseSchema, { is_closed: true }));
  if (!isObject(schema)) {
    chat.response_format = { type: 'json_object' };
    return;
  }
  const json_schema = { name: 'output', schema, ...(isStrict(schema) ? { strict: true } : {}) };
  chat.response_format = { type: 'json_schema', json_schema };
};

// Minimum of Anthropic's thinking budget, whose form the pivot form uses.
const MIN_BUDGET_TOKENS = 1_024;

const LEVELS: ReadonlySet<string> = new Set(['minimal', 'low', 'medium', 'high']);

/** A budget of -1 leaves it to the model, like an absent one. The writer decides if thoughts are shown. */
const readThinking = (
  { thinkingBudget, thinkingLevel }: NonNullable<GenerationConfig['thinkingConfig']>,
  chat: Fields,
  reading: Reading,
): void => {
  if (thinkingBudget === 0) chat.reasoning_effort = 'none';
  if (thinkingBudget !== undefined && thinkingBudget > 0) {
    chat.thinking = { type: 'enabled', budget_tokens: Math.max(MIN_BUDGET_TOKENS, thinkingBudget) };
  }
  const level = thinkingLevel?.toLowerCase();
  if (level === undefined || level === 'thinking_level_unspecified') return;
  if (LEVELS.has(level)) chat.reasoning_effort = level;
  else
    reading.addUnsupported(
      'generationConfig.thinkingConfig.thinkingLevel',
      'Other providers have no such level',
      level,
    );
};
