import type { ChatRequest, JsonObject } from '../chat-form.ts';
import type { RequestTarget } from '../contract.ts';
import { invalid } from '../invalid.ts';
import { isObject } from '../json.ts';
import type { UnsupportedFields } from '../unsupported-fields.ts';
import { messagesOf } from './messages.ts';
import { toolFields } from './tools.ts';

// Used if neither the client nor the catalog sets a limit: every Claude model can write that many tokens.
const DEFAULT_MAX_TOKENS = 4_096;

type Fields = Record<string, unknown>;

/** Writes the meaning of one field of the pivot form into the body for Anthropic. */
type Translate = (value: unknown, body: Fields, unsupported: UnsupportedFields) => void;

/**
 * The body of a messages call.
 * @throws OneVaultError unsupported_feature or invalid_request, with `param` naming the field
 */
export const messagesRequest = (
  chat: ChatRequest,
  target: RequestTarget,
  unsupported: UnsupportedFields,
): JsonObject => {
  const body: Fields = { model: target.model, max_tokens: maxTokens(chat, target) };
  const { system, messages } = messagesOf(chat.messages, unsupported);
  if (system.length > 0) body.system = system;
  body.messages = messages;
  Object.assign(body, toolFields(chat, unsupported));
  for (const [field, value] of Object.entries(chat)) {
    if (READ_ELSEWHERE.has(field) || value === undefined || value === null) continue;
    const translate = FIELDS[field];
    if (translate === undefined) unsupported.add(field, "Anthropic's models have no equivalent of this field");
    else translate(value, body, unsupported);
  }
  if (target.stream) body.stream = true;
  return body;
};

const maxTokens = (chat: ChatRequest, target: RequestTarget): number =>
  chat.max_completion_tokens ?? chat.max_tokens ?? target.max_output_tokens ?? DEFAULT_MAX_TOKENS;

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
]);

const same =
  (name: string): Translate =>
  (value, body) => {
    body[name] = value;
  };

/** A field that Anthropic lacks, accepted with a value that has no effect. */
const onlyNeutral =
  (field: string, neutral: readonly unknown[], why: string): Translate =>
  (value, _body, unsupported) => {
    const empty = isObject(value) && Object.keys(value).length === 0;
    if (!empty && !neutral.includes(value)) unsupported.add(field, `Anthropic's models ${why}`);
  };

const temperature: Translate = (value, body, unsupported) => {
  if (typeof value !== 'number') throw invalid('temperature', 'must be a number');
  if (value >= 0 && value <= 1) body.temperature = value;
  else unsupported.add('temperature', "Anthropic's models take a temperature from 0 to 1");
};

const stop: Translate = (value, body) => {
  const sequences: unknown[] = Array.isArray(value) ? value : [value];
  if (sequences.some((sequence) => typeof sequence !== 'string')) throw invalid('stop', 'must be a list of texts');
  if (sequences.length > 0) body.stop_sequences = sequences;
};

const user: Translate = (value, body) => {
  if (typeof value !== 'string') throw invalid('user', 'must be a text');
  body.metadata = { user_id: value };
};

const responseFormat: Translate = (value, body, unsupported) => {
  const type = isObject(value) ? value.type : undefined;
  if (type === 'text') return;
  if (type === 'json_object') {
    const why = 'Anthropic\'s models need a JSON Schema (response_format.type "json_schema") to write JSON';
    unsupported.add('response_format', why);
    return;
  }
  const format = isObject(value) && type === 'json_schema' ? value.json_schema : undefined;
  const schema = isObject(format) ? format.schema : undefined;
  if (!isObject(schema)) throw invalid('response_format.json_schema.schema', 'must be a JSON Schema');
  body.output_config = { ...(body.output_config as Fields), format: { type: 'json_schema', schema } };
};

const EFFORTS: Readonly<Record<string, string>> = {
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'xhigh',
  max: 'max',
};

const reasoningEffort: Translate = (value, body) => {
  if (value === 'none') {
    body.thinking = { type: 'disabled' };
    return;
  }
  const effort = typeof value === 'string' ? EFFORTS[value] : undefined;
  if (effort === undefined)
    throw invalid('reasoning_effort', `must be one of none, ${Object.keys(EFFORTS).join(', ')}`);
  body.output_config = { ...(body.output_config as Fields), effort };
};

const serviceTier: Translate = (value, body, unsupported) => {
  if (value === 'auto') body.service_tier = 'auto';
  else if (value === 'default') body.service_tier = 'standard_only';
  else unsupported.add('service_tier', 'Anthropic\'s models know the tiers "auto" and "default" only');
};

// Without a prototype, so that a field named `constructor` finds no entry.
const FIELDS: Readonly<Record<string, Translate | undefined>> = Object.assign(Object.create(null) as object, {
  temperature,
  stop,
  user,
  safety_identifier: user,
  response_format: responseFormat,
  reasoning_effort: reasoningEffort,
  service_tier: serviceTier,
  top_p: same('top_p'),
  // Anthropic's own fields, which its OpenAI-compatible endpoint also accepts under these names.
  top_k: same('top_k'),
  thinking: same('thinking'),
  cache_control: same('cache_control'),
  // Labels for OpenAI's own log and a hint for its cache: they change no response.
  metadata: (() => {}) satisfies Translate,
  prompt_cache_key: (() => {}) satisfies Translate,
  store: onlyNeutral('store', [false], 'keep no completions to look up later'),
  n: onlyNeutral('n', [1], 'give one choice a call'),
  logprobs: onlyNeutral('logprobs', [false], 'give no log probabilities'),
  top_logprobs: onlyNeutral('top_logprobs', [0], 'give no log probabilities'),
  logit_bias: onlyNeutral('logit_bias', [], 'take no token biases'),
  frequency_penalty: onlyNeutral('frequency_penalty', [0], 'take no frequency penalty'),
  presence_penalty: onlyNeutral('presence_penalty', [0], 'take no presence penalty'),
  seed: onlyNeutral('seed', [], 'take no seed'),
  verbosity: onlyNeutral('verbosity', ['medium'], 'take no verbosity'),
  modalities: ((value, _body, unsupported) => {
    if (!Array.isArray(value) || value.some((mode) => mode !== 'text')) {
      unsupported.add('modalities', "Anthropic's models write text only");
    }
  }) satisfies Translate,
  functions: onlyNeutral('functions', [], 'take tools instead of functions'),
  function_call: onlyNeutral('function_call', [], 'take tool_choice instead of function_call'),
});
