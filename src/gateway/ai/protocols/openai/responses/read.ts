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
 * A request of OpenAI's responses in the pivot form.
 * @throws OneVaultError invalid_request, naming the field
 */
export const readRequest = (body: ResponsesRequest): ReadChat => {
  const reading = createReading(NAMES);
  const messages = readItems(body, reading);
  const chat: Fields = { model: body.model, messages };
  readFields(body, { readers: READERS, elsewhere: READ_ELSEWHERE }, chat, reading);
  // OpenAI's chat completions refuse it where there are no tools, and without it nothing changes there.
  if (chat.tools === undefined) delete chat.parallel_tool_calls;
  return {
    chat: chat as unknown as ChatRequest,
    unsupported: reading.unsupported,
    unread: reading.unread,
    hosted_tools: responsesTools(body),
    locate: reading.locate,
  };
};

/** Fields of the pivot form that this protocol calls otherwise. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['max_completion_tokens', 'max_output_tokens'],
  ['reasoning_effort', 'reasoning.effort'],
  ['response_format', 'text.format'],
  ['verbosity', 'text.verbosity'],
  ['logprobs', 'include'],
]);

const READ_ELSEWHERE: ReadonlySet<string> = new Set(['model', 'input', 'instructions']);

/** Of a field that other providers lack: a value that asks for nothing is no loss. */
const onlyNeutral =
  (field: string, neutral: readonly unknown[], why: string): Read =>
  (value, _chat, reading) => {
    if (!neutral.includes(value)) reading.lose(field, why, value);
  };

const neutral: Read = () => {};

const NOTHING_KEPT = 'What was said is not kept here: send the conversation in `input`';

const reasoning: Read = (value, chat, reading) => {
  for (const [field, given] of Object.entries(value as JsonObject)) {
    if (given === null) continue;
    if (field === 'effort') chat.reasoning_effort = given;
    else if (!NEUTRAL_OF_REASONING.has(field)) reading.lose(`reasoning.${field}`, NOTHING_LIKE_IT, given);
  }
};

// What can be read of a model's thinking is given in any case.
const NEUTRAL_OF_REASONING: ReadonlySet<string> = new Set(['summary', 'generate_summary']);

const text: Read = (value, chat, reading) => {
  for (const [field, given] of Object.entries(value as JsonObject)) {
    if (given === null) continue;
    if (field === 'format') textFormat(given, chat, reading);
    else if (field === 'verbosity') chat.verbosity = given;
    else reading.lose(`text.${field}`, NOTHING_LIKE_IT, given);
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
    reading.lose('text.format.type', 'There is no such format elsewhere', format);
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

/** What else the reply is to hold: of tools that are not there, nothing; of thinking, all that there is. */
const include: Read = (value, chat) => {
  if ((value as readonly string[]).includes('message.output_text.logprobs')) chat.logprobs = true;
};

const topLogprobs: Read = (value, chat) => {
  if (value !== 0) Object.assign(chat, { logprobs: true, top_logprobs: value });
};

const store: Read = (value, _chat, reading) => {
  if (value !== false) reading.lose('store', 'Replies are not kept here', value, { is_light: true });
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
  // It stands in the reply as it was given.
  metadata: neutral,
  stream_options: neutral,
  // Bounds the calls of tools that a provider runs itself, of which there are none.
  max_tool_calls: neutral,
  background: onlyNeutral('background', [false], NOTHING_LIKE_IT),
  truncation: onlyNeutral('truncation', ['disabled'], 'A prompt is never shortened here'),
  store,
  previous_response_id: onlyNeutral('previous_response_id', [], NOTHING_KEPT),
  conversation: onlyNeutral('conversation', [], NOTHING_KEPT),
  prompt: onlyNeutral('prompt', [], 'Prompts are not kept here: send the text in `input`'),
});
