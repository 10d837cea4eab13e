import type { JsonObject } from '../../../../providers/chat-form.ts';
import { isObject, malformed } from '../../../../providers/json.ts';

/**
 * A call as a part.
 * @param args_text the JSON text of its arguments
 * @param is_cut a call that the limit of tokens cut has no whole arguments: the client is to ask again
 * @throws OneVaultError provider_malformed
 */
export const callPart = (
  { id, name }: { readonly id: unknown; readonly name: unknown },
  args_text: unknown,
  is_cut: boolean,
): JsonObject => {
  if (typeof name !== 'string') throw malformed('a tool call has no name');
  const functionCall = { ...(typeof id === 'string' ? { id } : {}), name, args: argsOf(args_text, is_cut) };
  return { functionCall };
};

const argsOf = (text: unknown, is_cut: boolean): JsonObject => {
  if (text === '' || text === undefined || text === null) return {};
  try {
    const args: unknown = JSON.parse(String(text));
    if (isObject(args)) return args;
  } catch {
    // Falls to the same as JSON that is no object.
  }
  if (is_cut) return {};
  throw malformed('the arguments of a tool call are not the JSON text of an object');
};
