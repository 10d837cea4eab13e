import type { Clock } from '../../core/clock.ts';
import type { ChatResponse } from '../chat-form.ts';
import type { ReadResponse } from '../contract.ts';
import { isObject, malformed, parseResponse } from '../json.ts';
import type { ChatProfile } from './compatibility-profile.ts';
import { errorOfFrame } from './frame-error.ts';

/**
 * Reads a response of OpenAI, which is already in the pivot form.
 * @throws OneVaultError provider_malformed, or the error in a response with status 200
 */
export const createChatResponse =
  (profile: ChatProfile, clock: Clock) =>
  (text: string): ReadResponse<ChatResponse> => {
    const body = parseResponse(text);
    const { error, choices } = body;
    if (choices === undefined && error !== undefined && error !== null) throw errorOfFrame(error, clock);
    const read = Array.isArray(choices) ? { ...body, choices: profile.choices(choices, 'message') } : body;
    assertChatResponse(read);
    return { result: read, usage: profile.usage(body) };
  };

function assertChatResponse(body: object): asserts body is ChatResponse {
  const { choices, model } = body as { choices?: unknown; model?: unknown };
  if (!Array.isArray(choices) || choices.length === 0) throw malformed('choices is not a list with at least one entry');
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
