import type { ChatMessage, ContentPart, JsonObject, ToolCall } from '../../../../providers/chat-form.ts';
import { invalid } from '../../../../providers/invalid.ts';
import type { Reading } from '../reading.ts';
import type { Content, FunctionResponse, GenerateRequest, Part } from './generate-request.ts';
import { readPart, resultText } from './read-parts.ts';
import { blocksIn } from './signed-thoughts.ts';

// Far more calls than a model makes at once. Each result is searched among all open calls.
const OPEN_MAX = 1_000;

/** A call without a result so far. */
interface OpenCall {
  readonly id: string;
  readonly name: string;
}

interface Conversation {
  readonly reading: Reading;
  readonly open: OpenCall[];
}

/**
 * Converts the system instruction and contents to the pivot form. Function results become their own messages before the
 * user's parts beside them, because OpenAI requires them directly after the calls.
 * @throws OneVaultError invalid_request, naming the field
 */
export const readContents = (
  { systemInstruction, contents }: Pick<GenerateRequest, 'systemInstruction' | 'contents'>,
  reading: Reading,
): readonly ChatMessage[] => {
  const conversation: Conversation = { reading, open: [] };
  const out: ChatMessage[] = [];
  if (systemInstruction !== undefined && systemInstruction.parts.length > 0) {
    out.push(...systemMessages('system', systemInstruction, 'systemInstruction', reading));
  }
  contents.forEach((content, index) => {
    const at = `contents[${index}]`;
    if (content.role === 'model') {
      // The SDK sends a streamed turn of the model back as several contents.
      if (contents[index - 1]?.role === 'model') return;
      let after = index + 1;
      while (contents[after]?.role === 'model') after += 1;
      out.push(modelMessage(contents.slice(index, after), index, conversation));
    } else if (content.role === 'system') out.push(...systemMessages('system', content, at, reading));
    else out.push(...userMessages(content, at, conversation));
  });
  return out;
};

const systemMessages = (role: string, { parts }: Content, at: string, reading: Reading): readonly ChatMessage[] => {
  const content_parts = readAll(
    parts.map((part, index) => ({ part, at: `${at}.parts[${index}]` })),
    reading,
  );
  if (content_parts.length === 0) return [];
  reading.addSource(
    at,
    content_parts.map((each) => each.at),
  );
  return [{ role, content: content_parts.map(({ part }) => part) }];
};

interface WithSource<P> {
  readonly part: P;
  readonly at: string;
}

const readAll = (parts: readonly WithSource<Part>[], reading: Reading): readonly WithSource<ContentPart>[] =>
  parts.flatMap(({ part, at }) => {
    const read = readPart(part, at, reading);
    return read === null ? [] : [{ part: read, at }];
  });

const userMessages = ({ parts }: Content, at: string, conversation: Conversation): readonly ChatMessage[] => {
  const { reading } = conversation;
  const out: ChatMessage[] = [];
  const content_parts: WithSource<Part>[] = [];
  parts.forEach((part, index) => {
    const here = `${at}.parts[${index}]`;
    if (part.functionResponse === undefined) content_parts.push({ part, at: here });
    else out.push(toolMessage(part.functionResponse, `${here}.functionResponse`, conversation));
  });
  const read = readAll(content_parts, reading);
  if (read.length > 0) {
    reading.addSource(
      at,
      read.map((each) => each.at),
    );
    out.push({ role: 'user', content: read.map(({ part }) => part) });
  }
  return out;
};

const toolMessage = (given: FunctionResponse, at: string, { open, reading }: Conversation): ChatMessage => {
  const { id, name, response, parts = [] } = given;
  // Results belong to calls by id if both have one, else by name, in order.
  const by_id = open.findIndex((call) => call.id === id);
  const place = by_id === -1 ? open.findIndex((call) => call.name === name) : by_id;
  const [call] = place === -1 ? [] : open.splice(place, 1);
  if (call === undefined) throw invalid(`${at}.name`, 'is not the name of an earlier function call');
  const { content, is_error } = resultText(response);
  const sourced = parts.map((part, index) => ({ part: part as Part, at: `${at}.parts[${index}]` }));
  const media = readAll(sourced, reading);
  reading.addSource(at, [at, ...media.map((each) => each.at)]);
  return {
    role: 'tool',
    tool_call_id: call.id,
    content: media.length === 0 ? content : [{ type: 'text', text: content }, ...media.map(({ part }) => part)],
    ...(is_error ? { is_error } : {}),
  };
};

/** @param index of the turn's first content */
const modelMessage = (turn: readonly Content[], index: number, { open, reading }: Conversation): ChatMessage => {
  const parts = turn.flatMap((content, more) =>
    content.parts.map((part, place) => ({ part, content: index + more, place })),
  );
  const content_parts: WithSource<Part>[] = [];
  const tool_calls: ToolCall[] = [];
  const thinking_blocks: JsonObject[] = [];
  for (const { part, content, place } of parts) {
    if (part.thoughtSignature !== undefined) thinking_blocks.push(...blocksIn(part.thoughtSignature));
    // Only the provider that signed a thought can use it. A passthrough carries it.
    if (part.thought === true) {
      if (part.text !== undefined) reading.unread.push(part.text);
      continue;
    }
    const { functionCall } = part;
    if (functionCall === undefined) {
      content_parts.push({ part, at: `contents[${content}].parts[${place}]` });
      continue;
    }
    const { name, args = {} } = functionCall;
    // Google's calls may have no id: then their position is the id.
    const id = functionCall.id ?? `call_${content}_${place}`;
    if (open.length >= OPEN_MAX) {
      const at = `contents[${content}].parts[${place}].functionCall`;
      throw invalid(at, `is one of more than ${OPEN_MAX} calls without a result`);
    }
    open.push({ id, name });
    tool_calls.push({ id, type: 'function', function: { name, arguments: JSON.stringify(args) } });
  }
  const read = readAll(content_parts, reading);
  reading.addSource(
    `contents[${index}]`,
    read.map((each) => each.at),
  );
  return {
    role: 'assistant',
    content: read.length === 0 ? null : textOrParts(read.map(({ part }) => part)),
    ...(thinking_blocks.length === 0 ? {} : { thinking_blocks }),
    ...(tool_calls.length === 0 ? {} : { tool_calls }),
  };
};

/** Joins parts that are all text into one text, which every OpenAI-compatible server accepts. */
const textOrParts = (parts: readonly ContentPart[]): string | readonly ContentPart[] =>
  parts.every(({ type }) => type === 'text') ? parts.map(({ text = '' }) => text).join('') : parts;
