import type { ChatResponse } from '../chat-form.ts';
import type { Answered } from '../contract.ts';
import { isObject, malformed, parseReply } from '../json.ts';
import { usageOf } from './usage.ts';

/** A reply of OpenAI's, which is the pivot form. @throws OneVaultError provider_malformed */
export const chatResponse = (text: string): Answered<ChatResponse> => {
  const body = parseReply(text);
  assertChatResponse(body);
  return { result: body, usage: usageOf(body.usage) };
};

function assertChatResponse(body: object): asserts body is ChatResponse {
  const { choices, model } = body as { choices?: unknown; model?: unknown };
  if (!Array.isArray(choices) || choices.length === 0)
    throw malformed('choices is not a list with something in it');
  if (model !== undefined && typeof model !== 'string') throw malformed('model is not a text');
  for (const choice of choices as unknown[]) {
    const message = isObject(choice) ? choice.message : undefined;
    if (!isObject(message)) throw malformed('a choice has no message');
    const { content, tool_calls } = message;
    if (content !== undefined && content !== null && typeof content !== 'string') {
      throw malformed('the content of a message is not a text');
    }
    if (tool_calls !== undefined && tool_calls !== null && !Array.isArray(tool_calls)) {
      throw malformed('tool_calls is not a list');
    }
  }
}
