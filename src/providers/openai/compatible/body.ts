import { hash } from 'node:crypto';
import type { JsonObject } from '../../chat-form.ts';
import type { CompatibleProvider } from '../../compatible-providers.ts';
import { isObject } from '../../json.ts';
import type { UnsupportedFields } from '../../unsupported-fields.ts';
import type { Fields } from '../compatibility-profile.ts';

type Edit = (body: Fields, unsupported: UnsupportedFields) => void;

/**
 * Converts OpenAI's body of a chat to the form of an OpenAI-compatible provider.
 * @throws OneVaultError unsupported_feature, with `param` naming the field
 */
export const createBodyWriter = (entry: CompatibleProvider) => {
  const edits = editsOf(entry);
  return (given: JsonObject, unsupported: UnsupportedFields): JsonObject => {
    const body: Fields = { ...given };
    for (const edit of edits) edit(body, unsupported);
    return body;
  };
};

const IN_MESSAGES = 'messages[].';

const editsOf = (entry: CompatibleProvider): readonly Edit[] => {
  const { refuses = [], unpriced = [], ignores = [], renames = {} } = entry;
  const edits: Edit[] = [oneLimit];
  for (const field of refuses) {
    const why = `${entry.provider_name} does not support ${field}`;
    edits.push(
      field.startsWith(IN_MESSAGES) ? refuseInMessages(field.slice(IN_MESSAGES.length), why) : refuse(field, why),
    );
  }
  for (const field of unpriced) {
    edits.push(refuse(field, `${entry.provider_name}'s price does not include ${field}`));
  }
  for (const field of ignores) edits.push((body) => void delete body[field]);
  if (entry.stream_options === false) edits.push((body) => void delete body.stream_options);
  if (entry.developer_role === false) edits.push(sendAsSystem);
  if (entry.wants_reasoning_back === true) edits.push(addReasoning);
  if (entry.tool_call_id_letters !== undefined) edits.push(shortenIds(entry.tool_call_id_letters));
  edits.push(chooseTools(entry), refuseFormats(entry));
  for (const [from, to] of Object.entries(renames)) if (typeof to === 'string') edits.push(rename(from, to));
  return edits;
};

/** Values with the same meaning as a missing field. */
const NEUTRAL_VALUES: Readonly<Record<string, (value: unknown) => boolean>> = {
  n: (value) => value === 1,
  logprobs: (value) => value === false,
  top_logprobs: (value) => value === 0,
  logit_bias: (value) => isObject(value) && Object.keys(value).length === 0,
  modalities: (value) => Array.isArray(value) && value.length === 1 && value[0] === 'text',
  parallel_tool_calls: (value) => value === true,
  service_tier: (value) => value === 'auto' || value === 'default',
  store: (value) => value === false,
  tool_choice: (value) => value === 'auto',
  verbosity: (value) => value === 'medium',
};

const isNeutral = (field: string, value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (Array.isArray(value) && value.length === 0) ||
  (Object.hasOwn(NEUTRAL_VALUES, field) && NEUTRAL_VALUES[field]!(value));

const refuse =
  (field: string, why: string): Edit =>
  (body, unsupported) => {
    if (!Object.hasOwn(body, field)) return;
    if (!isNeutral(field, body[field])) unsupported.add(field, why);
    delete body[field];
  };

const refuseInMessages =
  (field: string, why: string): Edit =>
  (body, unsupported) =>
    editMessages(body, (message, index) => {
      if (!Object.hasOwn(message, field)) return message;
      if (!isNeutral(field, message[field])) unsupported.add(`messages[${index}].${field}`, why);
      const { [field]: _dropped, ...rest } = message;
      return rest;
    });

/** Replaces the messages only if one has changed, so that unchanged ones keep their bytes. */
const editMessages = (body: Fields, edit: (message: JsonObject, index: number) => JsonObject): void => {
  if (!Array.isArray(body.messages)) return;
  const given: readonly unknown[] = body.messages;
  const edited = given.map((message, index) => (isObject(message) ? edit(message, index) : message));
  if (edited.some((message, index) => message !== given[index])) body.messages = edited;
};

const sendAsSystem: Edit = (body) =>
  editMessages(body, (message) => (message.role === 'developer' ? { ...message, role: 'system' } : message));

/** A client that kept no reasoning has none to send, but the provider requires the field. */
const addReasoning: Edit = (body) =>
  editMessages(body, (message) =>
    Array.isArray(message.tool_calls) && message.reasoning_content === undefined
      ? { ...message, reasoning_content: '' }
      : message,
  );

const shortenIds = (letters: number): Edit => {
  const fits = new RegExp(`^[a-zA-Z0-9]{${letters}}$`);
  const short = (id: unknown): unknown =>
    typeof id !== 'string' || fits.test(id) ? id : hash('sha256', id).slice(0, letters);
  const shortenCall = (call: unknown): unknown =>
    isObject(call) && short(call.id) !== call.id ? { ...call, id: short(call.id) } : call;
  return (body) =>
    editMessages(body, (message) => {
      const { tool_call_id, tool_calls } = message;
      if (short(tool_call_id) !== tool_call_id) return { ...message, tool_call_id: short(tool_call_id) };
      if (!Array.isArray(tool_calls)) return message;
      const given: readonly unknown[] = tool_calls;
      const edited = given.map(shortenCall);
      return edited.every((call, index) => call === given[index]) ? message : { ...message, tool_calls: edited };
    });
};

const chooseTools = ({ tool_choices = {}, named_tool_choice, provider_name }: CompatibleProvider): Edit => {
  const words = new Map(Object.entries(tool_choices));
  return (body, unsupported) => {
    const { tool_choice } = body;
    if (typeof tool_choice === 'string' && words.has(tool_choice)) {
      const word = words.get(tool_choice);
      if (typeof word === 'string') body.tool_choice = word;
      else delete body.tool_choice;
    }
    if (isObject(tool_choice) && named_tool_choice === false) {
      unsupported.add('tool_choice', `${provider_name} cannot be forced to call one tool`);
      delete body.tool_choice;
    }
  };
};

const refuseFormats =
  ({ response_formats, provider_name }: CompatibleProvider): Edit =>
  (body, unsupported) => {
    const { response_format } = body;
    if (response_formats === undefined || !isObject(response_format)) return;
    const { type } = response_format;
    if (typeof type === 'string' && response_formats.includes(type)) return;
    if (type !== 'text') {
      unsupported.add('response_format', `${provider_name} does not support response_format ${JSON.stringify(type)}`);
    }
    delete body.response_format;
  };

/** The gateway uses the newer of both output limits. It is unknown which of them a provider uses. */
const oneLimit: Edit = (body) => {
  if (body.max_completion_tokens !== undefined && body.max_completion_tokens !== null) delete body.max_tokens;
};

const rename =
  (from: string, to: string): Edit =>
  (body) => {
    if (!Object.hasOwn(body, from)) return;
    if (body[from] !== undefined && body[from] !== null) body[to] = body[from];
    delete body[from];
  };
