import type { ChatMessage, JsonObject } from '../chat-form.ts';
import { invalid } from '../invalid.ts';
import { isObject } from '../json.ts';
import type { UnsupportedFields } from '../unsupported-fields.ts';
import { contentParts, textParts } from './parts.ts';
import { isThirdGeneration } from './protocol.ts';
import { signaturesOf, UNSIGNED_CALL } from './signatures.ts';

interface Content {
  readonly role: 'user' | 'model';
  readonly parts: JsonObject[];
}

interface Contents {
  readonly systemInstruction?: { readonly parts: readonly JsonObject[] };
  readonly contents: readonly Content[];
}

/**
 * Messages in Google's form. System and developer messages are separate, because the API has one field for them.
 * Adjacent messages of one role form one content, because the results of parallel calls must be together and without
 * other parts.
 * @throws OneVaultError unsupported_feature or invalid_request, with `param` naming the field
 */
export const contentsOf = (
  messages: readonly ChatMessage[],
  model: string,
  unsupported: UnsupportedFields,
): Contents => {
  if (!Array.isArray(messages)) throw invalid('messages', 'must be a list');
  const system: JsonObject[] = [];
  const contents: Content[] = [];
  const names = new Map<string, string>();
  let last_kind = '';
  const add = (kind: keyof typeof ROLES, parts: readonly JsonObject[]): void => {
    if (parts.length === 0) return;
    if (kind === last_kind) contents.at(-1)!.parts.push(...parts);
    else contents.push({ role: ROLES[kind], parts: [...parts] });
    last_kind = kind;
  };
  (messages as readonly ChatMessage[]).forEach((message, index) => {
    const param = `messages[${index}]`;
    if (!isObject(message)) throw invalid(param, 'must be an object');
    const given = { content: message.content, param: `${param}.content` };
    switch (message.role) {
      case 'system':
      case 'developer':
        system.push(...textParts(given, unsupported));
        break;
      case 'user':
        add('user', contentParts(given, model, unsupported));
        break;
      case 'assistant':
        add('assistant', modelParts(message, param, { names, model, unsupported }));
        break;
      case 'tool':
        add('tool', resultParts(message, param, { names, model, unsupported }));
        break;
      default:
        unsupported.add(`${param}.role`, "Google's models know the roles system, developer, user, assistant and tool");
    }
  });
  return { ...(system.length === 0 ? {} : { systemInstruction: { parts: system } }), contents };
};

const ROLES = { user: 'user', assistant: 'model', tool: 'user' } as const;

interface Turns {
  /** Names of the called functions by the id of the call, because Google identifies results by name. */
  readonly names: Map<string, string>;
  readonly model: string;
  readonly unsupported: UnsupportedFields;
}

const modelParts = (message: ChatMessage, param: string, turns: Turns): readonly JsonObject[] => {
  const { unsupported, model } = turns;
  if (isObject(message.audio))
    unsupported.add(`${param}.audio`, "Google's models take no earlier audio of the assistant");
  if (isObject(message.function_call)) {
    unsupported.add(`${param}.function_call`, "Google's models take tool_calls instead");
  }
  const signatures = signaturesOf(message);
  const output = [
    ...textParts({ content: message.content, param: `${param}.content` }, unsupported),
    ...textParts({ content: message.refusal, param: `${param}.refusal` }, unsupported),
  ];
  const of_text = signatures.ofText();
  const last = output.at(-1);
  if (of_text !== null && last !== undefined) output[output.length - 1] = { ...last, thoughtSignature: of_text };
  const given: unknown = message.tool_calls ?? [];
  if (!Array.isArray(given)) throw invalid(`${param}.tool_calls`, 'must be a list');
  const calls = (given as unknown[]).flatMap((call, index) => {
    const part = functionCall(call, `${param}.tool_calls[${index}]`, turns);
    if (part === null) return [];
    const signature = signatures.ofCall(call as JsonObject);
    return [signature === null ? part : { ...part, thoughtSignature: signature }];
  });
  const [first, ...others] = calls;
  // Of parallel calls only the first is signed.
  if (first === undefined || first.thoughtSignature !== undefined || !isThirdGeneration(model)) {
    return [...output, ...calls];
  }
  return [...output, { ...first, thoughtSignature: UNSIGNED_CALL }, ...others];
};

const functionCall = (call: unknown, param: string, { names, unsupported }: Turns): JsonObject | null => {
  const called = isObject(call) && call.type === 'function' ? call.function : undefined;
  if (!isObject(call) || !isObject(called)) {
    unsupported.add(`${param}.type`, 'Google\'s models call tools of the type "function" only');
    return null;
  }
  const { id } = call;
  const { name } = called;
  if (typeof id !== 'string') throw invalid(`${param}.id`, 'must be a text');
  if (typeof name !== 'string') throw invalid(`${param}.function.name`, 'must be a text');
  names.set(id, name);
  return { functionCall: { id, name, args: argsOf(called.arguments, `${param}.function.arguments`) } };
};

const argsOf = (text: unknown, param: string): JsonObject => {
  if (text === '') return {};
  try {
    const args: unknown = typeof text === 'string' ? JSON.parse(text) : undefined;
    if (isObject(args)) return args;
  } catch {
    // Handled below like JSON that is not an object.
  }
  throw invalid(param, 'must be the JSON text of an object');
};

/** The result of a call. Images are part of it if the model supports that, else they follow it. */
const resultParts = (message: ChatMessage, param: string, turns: Turns): readonly JsonObject[] => {
  const { names, model, unsupported } = turns;
  const id = message.tool_call_id;
  if (typeof id !== 'string') throw invalid(`${param}.tool_call_id`, 'must be a text');
  const name = names.get(id);
  if (name === undefined) throw invalid(`${param}.tool_call_id`, 'must be the id of an earlier call');
  const parts = contentParts({ content: message.content, param: `${param}.content` }, model, unsupported);
  const output = parts.map(({ text }) => text ?? '').join('');
  const media = parts.filter(({ text }) => text === undefined);
  const is_within = isThirdGeneration(model) && media.every(({ inlineData }) => inlineData !== undefined);
  const functionResponse = {
    id,
    name,
    response: message.is_error === true ? { error: output } : { output: output },
    ...(is_within && media.length > 0 ? { parts: media.map(({ inlineData }) => ({ inlineData })) } : {}),
  };
  return [{ functionResponse }, ...(is_within ? [] : media)];
};
