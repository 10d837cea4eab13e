import { isObject } from './json.ts';

/** All text of a message or delta of the pivot form, of any kind. It is counted if the provider reports no usage. */
export const writtenText = (message: unknown): string => {
  if (!isObject(message)) return '';
  let text = '';
  for (const field of ['reasoning_content', 'reasoning', 'content', 'refusal']) {
    const value = message[field];
    if (typeof value === 'string') text += value;
  }
  const calls = Array.isArray(message.tool_calls) ? (message.tool_calls as unknown[]) : [];
  for (const call of calls) {
    const called = isObject(call) ? call.function : undefined;
    if (!isObject(called)) continue;
    if (typeof called.name === 'string') text += called.name;
    if (typeof called.arguments === 'string') text += called.arguments;
  }
  return text;
};

/** The text of all choices of a response or chunk. @param field `message` or `delta` */
export const textOfChoices = (choices: unknown, field: 'message' | 'delta'): string =>
  (Array.isArray(choices) ? (choices as unknown[]) : [])
    .map((choice) => (isObject(choice) ? writtenText(choice[field]) : ''))
    .join('');
