import type { ChatResponse, JsonObject } from '../../../../providers/chat-form.ts';
import { isObject } from '../../../../providers/json.ts';
import type { ChatWriter } from '../../operations/chat.ts';
import { signatureOf } from './signed-thoughts.ts';
import { callPart } from './write-call.ts';
import { finishReasonOf, logprobsFields, usageFields } from './write-fields.ts';
import { createContentStream, type WriterOptions } from './write-stream.ts';

/** Writes responses of the pivot form in Google's form. */
export const createContentWriter = (options: WriterOptions): ChatWriter => ({
  whole: (response) => {
    const { id, model, choices } = response;
    const candidates = choices.map((choice) => candidateOf(choice, options));
    return ({ usage }) => JSON.stringify({ candidates, ...usageFields(usage), modelVersion: model, responseId: id });
  },
  stream: () => createContentStream(options),
});

const candidateOf = (choice: ChatResponse['choices'][number], options: WriterOptions): JsonObject => {
  const { message, finish_reason } = choice;
  const { refusal } = message;
  return {
    content: { parts: partsOf(message, finish_reason === 'length', options), role: 'model' },
    finishReason: finishReasonOf(typeof refusal === 'string' ? 'content_filter' : finish_reason),
    ...(typeof refusal === 'string' ? { finishMessage: refusal } : {}),
    index: choice.index ?? 0,
    ...logprobsFields(choice.logprobs),
  };
};

const partsOf = (
  message: ChatResponse['choices'][number]['message'],
  is_cut: boolean,
  { shows_thoughts }: WriterOptions,
): readonly JsonObject[] => {
  const { reasoning_content, content, tool_calls, thinking_blocks } = message;
  const thought =
    shows_thoughts && typeof reasoning_content === 'string' && reasoning_content !== ''
      ? [{ text: reasoning_content, thought: true }]
      : [];
  const texts = typeof content === 'string' && content !== '' ? [{ text: content }] : [];
  const [first, ...others] = (tool_calls ?? []).map((call) =>
    callPart({ id: call.id, name: call.function?.name }, call.function?.arguments, is_cut),
  );
  const blocks = Array.isArray(thinking_blocks) ? thinking_blocks.filter(isObject) : [];
  if (first === undefined) return [...thought, ...texts];
  // The provider that signed the thoughts requires them with the results of the calls. Google's clients keep them on
  // the first call.
  const signed = blocks.length === 0 ? first : { ...first, thoughtSignature: signatureOf(blocks) };
  return [...thought, ...texts, signed, ...others];
};
