import type { ChatRequest, JsonObject } from '../../../../../providers/chat-form.ts';
import { invalid } from '../../../../../providers/invalid.ts';
import { isObject } from '../../../../../providers/json.ts';
import type { ReadChat } from '../../../operations/chat.ts';
import { as, createReaders, type Fields, NOTHING_LIKE_IT, type Read, readFields } from '../../read-fields.ts';
import { createReading } from '../../reading.ts';
import { responsesTools } from '../read-hosted-tools.ts';
import { readItems } from './read-items.ts';
import { readToolChoice, readTools } from './read-tools.ts';
import type { ResponsesRequest } from './responses-request.ts';

/**
 * Converts an OpenAI responses request to the pivot form.
 * @throws OneVaultError invalid_request, naming the field
 */
export const readRequest = (body: ResponsesRequest): ReadChat => {
  const reading = createReading(NAMES);
  const messages = readItems(body, reading);
  const chat: Fields = { model: body.model, messages };
  readFields(body, { readers: READERS, elsewhere: READ_ELSEWHERE }, chat, reading);
  // OpenAI's chat completions refuse the field without tools. It has no effect there.
  if (chat.tools === undefined) delete chat.parallel_tool_calls;
  return {
    chat: chat as unknown as ChatRequest,
    unsupported: reading.unsupported,
    unread: reading.unread,
    hosted_tools: responsesTools(body),
    locate: reading.locate,
  };
};

/** This protocol's names of fields of the pivot form. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['max_completion_tokens', 'max_output_tokens'],
  ['reasoning_effort', 'reasoning.effort'],
  ['response_format', 'text.format'],
  ['verbosity', 'text.verbosity'],
  ['logprobs', 'include'],
]);

const READ_ELSEWHERE: ReadonlySet<string> = new Set(['model', 'input', 'instructions']);

/** Reader of a field that other providers lack. A value without an effect is ignored. */
const onlyNeutral =
  (field: string, neutral: readonly unknown[], why: string): Read =>
  (value, _chat, reading) => {
    if (!neutral.includes(value)) reading.addUnsupported(field, why, value);
  };

const neutral: Read = () => {};

const NOT_STORED = 'The gateway stores no conversations: send the conversation in `input`';

const reasoning: Read = (value, chat, reading) => {
  for (const [field, given] of Object.entries(value as JsonObject)) {
    if (given === null) continue;
    if (field === 'effort') chat.reasoning_effort = given;
    else if (!NEUTRAL_OF_REASONING.has(field)) reading.addUnsupported(`reasoning.${field}`, NOTHING_LIKE_IT, given);
  }
};

// The readable part of a model's thinking is always sent.
const NEUTRAL_OF_REASONING: ReadonlySet<string> = new Set(['summary', 'generate_summary']);

const text: Read = (value, chat, reading) => {
  for (const [field, given] of Object.entries(value as JsonObject)) {
    if (given === null) continue;
    if (field === 'format') textFormat(given, chat, reading);
    else if (field === 'verbosity') chat.verbosity = given;
    else reading.addUnsupported(`text.${field}`, NOTHING_LIKE_IT, given);
  }
};

const textFormat: Read = (format, chat, reading) => {
  const { type, ...named } = format as JsonObject;
  if (type === 'text') return;
  if (type === 'json_object') {
    chat.response_format = { type };
  } else if (type === 'json_schema') {
    if (!isObject(named.schema)) throw invalid('text.format.schema', 'is not a JSON Schema');
    chat.response_format = { type, json_schema: named };
  } else {
    reading.addUnsupported('text.format.type', 'Other providers have no such format', format);
  }
};

const tools: Read = (value, chat, reading) => {
  const read = readTools(value as readonly JsonObject[], reading);
  if (read.length > 0) chat.tools = read;
};

const toolChoice: Read = (value, chat, reading) => {
  const choice = readToolChoice(value, reading);
  if (choice !== undefined && choice !== 'auto') chat.tool_choice = choice;
};

/** Extra output: hosted tools have none here, and thinking is always sent. */
const include: Read = (value, chat) => {
  if ((value as readonly string[]).includes('message.output_text.logprobs')) chat.logprobs = true;
};

const topLogprobs: Read = (value, chat) => {
  if (value !== 0) Object.assign(chat, { logprobs: true, top_logprobs: value });
};

const store: Read = (value, _chat, reading) => {
  if (value !== false)
    reading.addUnsupported('store', 'The gateway stores no responses: send "store": false', value, { is_light: true });
};

const READERS = createReaders({
  max_output_tokens: as('max_completion_tokens'),
  stream: as('stream'),
  temperature: as('temperature'),
  top_p: as('top_p'),
  parallel_tool_calls: as('parallel_tool_calls'),
  user: as('user'),
  safety_identifier: as('safety_identifier'),
  service_tier: as('service_tier'),
  prompt_cache_key: as('prompt_cache_key'),
  prompt_cache_retention: neutral,
  prompt_cache_options: neutral,
  reasoning,
  text,
  tools,
  tool_choice: toolChoice,
  include,
  top_logprobs: topLogprobs,
  // Copied into the response.
  metadata: neutral,
  stream_options: neutral,
  // Limits the calls of hosted tools. A translated request has no hosted tools.
  max_tool_calls: neutral,
  background: onlyNeutral('background', [false], NOTHING_LIKE_IT),
  truncation: onlyNeutral('truncation', ['disabled'], 'The gateway never shortens a prompt'),
  store,
  previous_response_id: onlyNeutral('previous_response_id', [], NOT_STORED),
  conversation: onlyNeutral('conversation', [], NOT_STORED),
  prompt: onlyNeutral('prompt', [], 'The gateway stores no prompts: send the text in `input`'),
});
