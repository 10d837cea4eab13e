import type { ChatResponse, JsonObject, ToolCall } from '../../../../../providers/chat-form.ts';
import { isObject, malformed } from '../../../../../providers/json.ts';
import type { ChatWriter } from '../../../operations/chat.ts';
import type { ResponsesRequest } from './responses-request.ts';
import {
  annotationsOf,
  baseOf,
  callItem,
  type ItemStatus,
  listOf,
  logprobsOf,
  messageItem,
  reasoningItem,
  refusalPart,
  textPart,
} from './write-items.ts';
import { endOf, responseJson } from './write-response.ts';
import { createResponseStream } from './write-stream.ts';

/** Writes responses of the pivot form as OpenAI's responses. */
export const responsesWriter = (request: ResponsesRequest): ChatWriter => ({
  whole: (response) => {
    const { id, model, created, choices } = response;
    const head = { base: baseOf(id), created, model };
    const end = endOf(choices[0]!.finish_reason, refusalIn(choices[0]!.message) !== '');
    const output = outputOf(response, head.base, end.status);
    return ({ usage }) => JSON.stringify(responseJson(request, head, { end, output, usage }));
  },
  stream: () => createResponseStream(request),
});

const refusalIn = ({ refusal }: JsonObject): string => (typeof refusal === 'string' ? refusal : '');

/** Output items: thinking, text and calls separately. An empty response is an empty message. */
const outputOf = ({ choices }: ChatResponse, base: string, status: ItemStatus): readonly JsonObject[] => {
  const choice = choices[0]!;
  const { message } = choice;
  const calls = message.tool_calls ?? [];
  const content = contentOf(choice);
  const items: ((index: number, status: ItemStatus) => JsonObject)[] = thoughtsOf(message).map(
    ({ text, blocks }) =>
      (index) =>
        reasoningItem(`rs_${base}_${index}`, text, blocks),
  );
  if (content.length > 0 || calls.length === 0) {
    const parts = content.length > 0 ? content : [textPart('', { annotations: [], logprobs: [] })];
    items.push((index, given) => messageItem(`msg_${base}_${index}`, given, parts));
  }
  items.push(
    ...calls.map((call) => {
      const called = calledOf(call);
      return (index: number, given: ItemStatus) => callItem(`fc_${base}_${index}`, given, called);
    }),
  );
  return items.map((item, index) => item(index, index === items.length - 1 ? status : 'completed'));
};

const contentOf = (choice: ChatResponse['choices'][number]): readonly JsonObject[] => {
  const { message } = choice;
  const text = message.content ?? '';
  const refusal = refusalIn(message);
  const more = { annotations: annotationsOf(message.annotations), logprobs: logprobsOf(choice) };
  return [...(text === '' ? [] : [textPart(text, more)]), ...(refusal === '' ? [] : [refusalPart(refusal)])];
};

interface Thought {
  readonly text: string;
  readonly blocks: readonly JsonObject[];
}

/** Signed thinking blocks unchanged, else the text of unsigned reasoning. */
const thoughtsOf = ({ thinking_blocks, reasoning_content }: JsonObject): readonly Thought[] => {
  const blocks = listOf(thinking_blocks);
  if (blocks.length > 0) {
    return blocks.map((block) => ({
      text: typeof block.thinking === 'string' ? block.thinking : '',
      blocks: [block],
    }));
  }
  if (typeof reasoning_content !== 'string' || reasoning_content === '') return [];
  return [{ text: reasoning_content, blocks: [] }];
};

const calledOf = ({ id, function: called }: ToolCall) => {
  if (typeof id !== 'string' || !isObject(called) || typeof called.name !== 'string') {
    throw malformed('a tool call has no id or no name');
  }
  const given: unknown = called.arguments;
  return { call_id: id, name: called.name, arguments: typeof given === 'string' ? given : '{}' };
};
