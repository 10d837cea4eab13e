import type { JsonObject } from '../../../../providers/chat-form.ts';
import { isObject, malformed } from '../../../../providers/json.ts';

/**
 * Writes a tool call as a part.
 * @param args_text the JSON text of its arguments
 * @param is_cut true if the token limit cut the response: the call may have incomplete arguments, and the client must
 * repeat it
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
    // Handled below, like JSON that is not an object.
  }
  if (is_cut) return {};
  throw malformed('the arguments of a tool call are not the JSON text of an object');
};
