import { isObject } from '../../../../providers/json.ts';
import { as, createReaders, type Fields, NOTHING_LIKE_IT, type Read, readFields } from '../read-fields.ts';
import type { Reading } from '../reading.ts';
import { isStrict } from '../strict-schema.ts';
import type { GenerationConfig } from './generate-request.ts';
import { jsonSchemaOf } from './read-schema.ts';

/** The fields of `generationConfig` in the pivot form. */
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

/** Of a field that other providers lack: a value that asks for nothing is no loss. */
const onlyNeutral =
  (field: string, isNeutral: (value: unknown) => boolean): Read =>
  (value, _chat, reading) => {
    if (isNeutral(value)) return;
    reading.lose(`generationConfig.${field}`, NOTHING_LIKE_IT, value);
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
    reading.lose('generationConfig.responseMimeType', 'Elsewhere, replies are text or JSON', responseMimeType);
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

// The least that Anthropic's object, which is the pivot's, takes.
const LEAST_BUDGET = 1_024;

const LEVELS: ReadonlySet<string> = new Set(['minimal', 'low', 'medium', 'high']);

/** A budget of -1 leaves it to the model, as saying nothing does. Whether thoughts are shown is the writer's part. */
const readThinking = (
  { thinkingBudget, thinkingLevel }: NonNullable<GenerationConfig['thinkingConfig']>,
  chat: Fields,
  reading: Reading,
): void => {
  if (thinkingBudget === 0) chat.reasoning_effort = 'none';
  if (thinkingBudget !== undefined && thinkingBudget > 0) {
    chat.thinking = { type: 'enabled', budget_tokens: Math.max(LEAST_BUDGET, thinkingBudget) };
  }
  const level = thinkingLevel?.toLowerCase();
  if (level === undefined || level === 'thinking_level_unspecified') return;
  if (LEVELS.has(level)) chat.reasoning_effort = level;
  else reading.lose('generationConfig.thinkingConfig.thinkingLevel', 'There is no such level elsewhere', level);
};
