import type { JsonObject } from '../../chat-form.ts';
import type { CompatibleProvider } from '../../compatible-providers.ts';
import { isObject } from '../../json.ts';

/** Converts the choices of a compatible provider to OpenAI's form. Unreadable values stay, and are refused later. */
export const createChoicesReader = ({ reasoning, finish_reasons = {} }: CompatibleProvider) => {
  const endings = new Map(Object.entries(finish_reasons));
  const readChoice = (choice: unknown, field: 'message' | 'delta'): unknown => {
    if (!isObject(choice)) return choice;
    const { [field]: value, finish_reason } = choice;
    return {
      ...choice,
      ...(isObject(value) ? { [field]: readMessage(value, reasoning) } : {}),
      ...(typeof finish_reason === 'string' ? { finish_reason: endings.get(finish_reason) ?? finish_reason } : {}),
    };
  };
  return (choices: readonly unknown[], field: 'message' | 'delta'): readonly unknown[] =>
    choices.map((choice) => readChoice(choice, field));
};

const readMessage = (message: JsonObject, reasoning: string | undefined): JsonObject => {
  const read: Record<string, unknown> = { ...message };
  if (reasoning !== undefined && typeof read[reasoning] === 'string') {
    read.reasoning_content ??= read[reasoning];
    delete read[reasoning];
  }
  if (Array.isArray(read.content)) {
    const thought = textOf(read.content, 'thinking');
    read.content = textOf(read.content, 'text');
    if (thought !== '') read.reasoning_content = thought;
  }
  if (Array.isArray(read.tool_calls)) read.tool_calls = read.tool_calls.map(readCall);
  return read;
};

/** The text of the parts of one kind: `{ type: 'text', text }`, or `{ type: 'thinking', thinking: [texts] }`. */
const textOf = (parts: readonly unknown[], kind: 'text' | 'thinking'): string =>
  parts
    .filter(isObject)
    .filter(({ type }) => type === kind)
    .map(({ [kind]: value }) => {
      if (typeof value === 'string') return value;
      return Array.isArray(value) ? textOf(value, 'text') : '';
    })
    .join('');

/** Some servers send arguments as an object instead of its JSON text, and omit the index of a call. */
const readCall = (call: unknown, index: number): unknown => {
  if (!isObject(call) || !isObject(call.function)) return call;
  const { arguments: given } = call.function;
  const called = isObject(given) ? { ...call.function, arguments: JSON.stringify(given) } : call.function;
  return { index, type: 'function', ...call, function: called };
};
