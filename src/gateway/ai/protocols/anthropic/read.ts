import type { ChatRequest, JsonObject } from '../../../../providers/chat-form.ts';
import { isObject } from '../../../../providers/json.ts';
import type { ReadChat } from '../../operations/chat.ts';
import { as, createReaders, type Fields, NOTHING_LIKE_IT, type Read, readFields } from '../read-fields.ts';
import { createReading } from '../reading.ts';
import { isStrict } from '../strict-schema.ts';
import type { MessagesRequest } from './messages-request.ts';
import { messagesTools } from './read-hosted-tools.ts';
import { readMessages } from './read-messages.ts';
import { readToolChoice, readTools } from './read-tools.ts';

/**
 * Converts an Anthropic messages request to the pivot form.
 * @throws OneVaultError invalid_request, naming the field
 */
export const readRequest = (body: MessagesRequest): ReadChat => {
  const reading = createReading(NAMES);
  const messages = readMessages(body, reading);
  const chat: Fields = { model: body.model, messages };
  readFields(body, { readers: READERS, elsewhere: READ_ELSEWHERE }, chat, reading);
  return {
    chat: chat as unknown as ChatRequest,
    unsupported: reading.unsupported,
    unread: reading.unread,
    hosted_tools: messagesTools(body),
    locate: reading.locate,
  };
};

/** Anthropic's names of fields of the pivot form. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['max_completion_tokens', 'max_tokens'],
  ['parallel_tool_calls', 'tool_choice.disable_parallel_tool_use'],
  ['reasoning_effort', 'output_config.effort'],
  ['response_format', 'output_config.format'],
  ['stop', 'stop_sequences'],
  ['user', 'metadata.user_id'],
]);

const READ_ELSEWHERE: ReadonlySet<string> = new Set(['model', 'messages', 'system']);

/** Reader of a field that other providers lack. A value without an effect is ignored. */
const onlyNeutral =
  (field: string, neutral: unknown): Read =>
  (value, _chat, reading) => {
    if (value !== neutral) reading.addUnsupported(field, NOTHING_LIKE_IT, value);
  };

const outputConfig: Read = (value, chat, reading) => {
  for (const [field, given] of Object.entries(isObject(value) ? value : {})) {
    if (given === null) continue;
    if (field === 'effort') chat.reasoning_effort = given;
    else if (field === 'format') outputFormat(given, chat, reading);
    else reading.addUnsupported(`output_config.${field}`, NOTHING_LIKE_IT, given);
  }
};

const outputFormat: Read = (format, chat, reading) => {
  const schema = isObject(format) && format.type === 'json_schema' ? format.schema : undefined;
  if (!isObject(schema)) {
    reading.addUnsupported('output_config.format', 'Only a JSON Schema is known as a format', format);
    return;
  }
  const json_schema = { name: 'output', schema, ...(isStrict(schema) ? { strict: true } : {}) };
  chat.response_format = { type: 'json_schema', json_schema };
};

/**
 * A conversation that Anthropic stores. By the error code, SDKs send it whole instead. If the field were omitted, they
 * would think it stored, and send only the next message.
 */
const thread: Read = (value, _chat, reading) => {
  const is_continued = isObject(value) && value.type === 'continue';
  reading.addUnsupported('thread', 'The gateway stores no conversations: send the whole conversation', value, {
    is_light: !is_continued,
    protocol_code: is_continued ? 'thread_not_found' : 'thread_unsupported_request',
  });
};

const serviceTier: Read = (value, chat, reading) => {
  if (value === 'auto') chat.service_tier = 'auto';
  else if (value === 'standard_only') chat.service_tier = 'default';
  else reading.addUnsupported('service_tier', 'Other providers have no such tier', value);
};

const metadata: Read = (value, chat, reading) => {
  for (const [field, given] of Object.entries(isObject(value) ? value : {})) {
    if (field === 'user_id') chat.user = given ?? undefined;
    else reading.addUnsupported(`metadata.${field}`, NOTHING_LIKE_IT, given);
  }
};

const tools: Read = (value, chat, reading) => {
  const read = readTools(value as readonly JsonObject[], reading);
  if (read.length > 0) chat.tools = read;
};

const toolChoice: Read = (value, chat, reading) => {
  Object.assign(chat, readToolChoice(value as JsonObject, reading));
};

const READERS = createReaders({
  max_tokens: as('max_completion_tokens'),
  stop_sequences: as('stop'),
  stream: as('stream'),
  temperature: as('temperature'),
  top_p: as('top_p'),
  top_k: as('top_k'),
  thinking: as('thinking'),
  cache_control: as('cache_control'),
  tools,
  tool_choice: toolChoice,
  output_config: outputConfig,
  // The field's name during its beta.
  output_format: outputFormat,
  metadata,
  service_tier: serviceTier,
  speed: onlyNeutral('speed', 'standard'),
  thread,
});
