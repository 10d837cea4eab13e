import type { JsonObject } from '../../chat-form.ts';
import type { CompatibleProvider } from '../../compatible-providers.ts';
import { isObject } from '../../json.ts';

/** Writes the choices of a provider of the family as OpenAI does; what it cannot read stays for others to refuse. */
export const createChoicesReader = ({ reasoning, finish_reasons = {} }: CompatibleProvider) => {
  const endings = new Map(Object.entries(finish_reasons));
  const readChoice = (choice: unknown, field: 'message' | 'delta'): unknown => {
    if (!isObject(choice)) return choice;
    const { [field]: said, finish_reason } = choice;
    return {
      ...choice,
      ...(isObject(said) ? { [field]: readMessage(said, reasoning) } : {}),
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

/** The text of the parts of one kind: `{ type: 'text', text }`, or `{ type: 'thinking', thinking: [those] }`. */
const textOf = (parts: readonly unknown[], kind: 'text' | 'thinking'): string =>
  parts
    .filter(isObject)
    .filter(({ type }) => type === kind)
    .map(({ [kind]: said }) => {
      if (typeof said === 'string') return said;
      return Array.isArray(said) ? textOf(said, 'text') : '';
    })
    .join('');

/** Some servers give arguments as the object that they mean, and leave out the place of a call in the list. */
const readCall = (call: unknown, index: number): unknown => {
  if (!isObject(call) || !isObject(call.function)) return call;
  const { arguments: given } = call.function;
  const called = isObject(given) ? { ...call.function, arguments: JSON.stringify(given) } : call.function;
  return { index, type: 'function', ...call, function: called };
};
