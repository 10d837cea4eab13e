import type { ChatRequest, JsonObject } from '../chat-form.ts';
import type { RequestTarget } from '../contract.ts';
import { invalid } from '../invalid.ts';
import { isObject } from '../json.ts';
import type { UnsupportedFields } from '../unsupported-fields.ts';
import { contentsOf } from './contents.ts';
import { keptSchema } from './schema.ts';
import { thinkingConfig } from './thinking.ts';
import { toolFields } from './tools.ts';

type Fields = Record<string, unknown>;

/** Writes the meaning of one field of the pivot form into the body for Google, or into its `generationConfig`. */
type Translate = (
  value: unknown,
  into: { readonly body: Fields; readonly config: Fields },
  unsupported: UnsupportedFields,
) => void;

/**
 * The body of a generateContent call.
 * @throws OneVaultError unsupported_feature or invalid_request, with `param` naming the field
 */
export const generateRequest = (
  chat: ChatRequest,
  { model }: Pick<RequestTarget, 'model'>,
  unsupported: UnsupportedFields,
): JsonObject => {
  const body: Fields = { ...contentsOf(chat.messages, model, unsupported), ...toolFields(chat, unsupported) };
  const config: Fields = {};
  for (const [field, value] of Object.entries(chat)) {
    if (READ_ELSEWHERE.has(field) || value === undefined || value === null) continue;
    const translate = FIELDS[field];
    if (translate === undefined) unsupported.add(field, "Google's models have no equivalent of this field");
    else translate(value, { body, config }, unsupported);
  }
  const max_tokens = chat.max_completion_tokens ?? chat.max_tokens ?? null;
  if (max_tokens !== null) config.maxOutputTokens = max_tokens;
  const thinking = thinkingConfig(chat, model, unsupported);
  if (thinking !== null) config.thinkingConfig = thinking;
  return Object.keys(config).length === 0 ? body : { ...body, generationConfig: config };
};

const READ_ELSEWHERE: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'stream',
  'stream_options',
  'max_tokens',
  'max_completion_tokens',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'reasoning_effort',
  'thinking',
]);

const as =
  (name: string): Translate =>
  (value, { config }) => {
    config[name] = value;
  };

/** A field that Google lacks, accepted with a value that has no effect. */
const onlyNeutral =
  (field: string, neutral: readonly unknown[], why: string): Translate =>
  (value, _into, unsupported) => {
    const empty = isObject(value) && Object.keys(value).length === 0;
    if (!empty && !neutral.includes(value)) unsupported.add(field, `Google's models ${why}`);
  };

/** A label, or a hint for a cache: it changes no response. */
const nothing: Translate = () => {};

const STOPS_MAX = 5;

const stop: Translate = (value, { config }, unsupported) => {
  const sequences: unknown[] = Array.isArray(value) ? value : [value];
  if (sequences.some((sequence) => typeof sequence !== 'string')) throw invalid('stop', 'must be a list of texts');
  if (sequences.length > STOPS_MAX) unsupported.add('stop', `Google takes ${STOPS_MAX} stop sequences at most`);
  if (sequences.length > 0) config.stopSequences = sequences.slice(0, STOPS_MAX);
};

const responseFormat: Translate = (value, { config }, unsupported) => {
  const type = isObject(value) ? value.type : undefined;
  if (type === 'text') return;
  if (type === 'json_object') {
    config.responseMimeType = 'application/json';
    return;
  }
  const format = isObject(value) && type === 'json_schema' ? value.json_schema : undefined;
  const schema = isObject(format) ? format.schema : undefined;
  const at = 'response_format.json_schema.schema';
  if (!isObject(format) || !isObject(schema)) throw invalid(at, 'must be a JSON Schema');
  config.responseMimeType = 'application/json';
  // A schema that is not strict is a preference, so parts that Google ignores need no report.
  config.responseJsonSchema = format.strict === true ? keptSchema(schema, at, unsupported) : schema;
};

const TIERS: Readonly<Record<string, string | undefined>> = {
  default: 'standard',
  flex: 'flex',
  priority: 'priority',
};

const serviceTier: Translate = (value, { body }, unsupported) => {
  if (value === 'auto') return;
  const tier = typeof value === 'string' && Object.hasOwn(TIERS, value) ? TIERS[value] : undefined;
  if (tier === undefined) unsupported.add('service_tier', 'Google knows the tiers "default", "flex" and "priority"');
  else body.serviceTier = tier;
};

const modalities: Translate = (value, _into, unsupported) => {
  if (!Array.isArray(value) || value.some((mode) => mode !== 'text')) {
    unsupported.add('modalities', "The gateway supports Google's models with text output only");
  }
};

const logprobs: Translate = (value, { config }) => {
  if (value === true) config.responseLogprobs = true;
};

const topLogprobs: Translate = (value, { config }) => {
  if (value !== 0) config.logprobs = value;
};

// Without a prototype, so that a field named `constructor` finds no entry.
const FIELDS: Readonly<Record<string, Translate | undefined>> = Object.assign(Object.create(null) as object, {
  temperature: as('temperature'),
  top_p: as('topP'),
  top_k: as('topK'),
  seed: as('seed'),
  n: as('candidateCount'),
  frequency_penalty: as('frequencyPenalty'),
  presence_penalty: as('presencePenalty'),
  logprobs,
  top_logprobs: topLogprobs,
  stop,
  response_format: responseFormat,
  service_tier: serviceTier,
  modalities,
  user: nothing,
  safety_identifier: nothing,
  metadata: nothing,
  prompt_cache_key: nothing,
  // Google caches prompts automatically, so a mark changes no response.
  cache_control: nothing,
  store: onlyNeutral('store', [false], 'keep no completions to look up later'),
  logit_bias: onlyNeutral('logit_bias', [], 'take no token biases'),
  verbosity: onlyNeutral('verbosity', ['medium'], 'take no verbosity'),
  functions: onlyNeutral('functions', [], 'take tools instead of functions'),
  function_call: onlyNeutral('function_call', [], 'take tool_choice instead of function_call'),
});
