import type { ChatMessage, ContentPart, JsonObject } from '../chat-form.ts';
import type { UnsupportedFields } from '../unsupported-fields.ts';

/**
 * Messages of the pivot form in OpenAI's form. OpenAI's tool results hold text only, so their images and files follow
 * as a message of the user, and the text contains a tool's failure. Thinking of other providers is dropped, because
 * only the provider that signed it can read it.
 * @param wants_reasoning true if a message with tool calls keeps its reasoning as text
 */
export const messagesOf = (
  messages: readonly ChatMessage[],
  unsupported: UnsupportedFields,
  wants_reasoning: boolean,
): readonly JsonObject[] => {
  const out: JsonObject[] = [];
  let attached: JsonObject[] = [];
  const attach = (): void => {
    if (attached.length > 0) out.push({ role: 'user', content: attached });
    attached = [];
  };
  messages.forEach((message, index) => {
    const at = `messages[${index}].content`;
    const { cache_control: _mark, thinking_blocks: _blocks, reasoning_content: _text, ...rest } = message;
    if (message.role === 'tool') {
      const { is_error, ...result } = rest;
      const parts = partsOf(message.content, at, unsupported);
      attached.push(...attachments(message, parts));
      out.push({ ...result, content: resultText(parts, is_error === true) });
      return;
    }
    attach();
    const { content } = message;
    out.push({
      ...rest,
      ...(Array.isArray(content) ? { content: partsOf(content, at, unsupported) } : {}),
      ...(wants_reasoning && message.tool_calls !== undefined ? { reasoning_content: reasoningOf(message) } : {}),
    });
  });
  attach();
  return out;
};

const reasoningOf = ({ reasoning_content, thinking_blocks = [] }: ChatMessage): string => {
  if (typeof reasoning_content === 'string') return reasoning_content;
  return thinking_blocks.map(({ thinking }) => (typeof thinking === 'string' ? thinking : '')).join('');
};

const partsOf = (content: ChatMessage['content'], at: string, unsupported: UnsupportedFields): JsonObject[] => {
  if (content === undefined || content === null) return [];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return content.flatMap((part, index) => {
    const kept = partOf(part, `${at}[${index}]`, unsupported);
    return kept === null ? [] : [kept];
  });
};

const partOf = (part: ContentPart, at: string, unsupported: UnsupportedFields): JsonObject | null => {
  const { cache_control: _mark, ...rest } = part;
  if (part.type !== 'file' || part.file === undefined) return rest;
  const { file_url, text, context, ...file } = part.file;
  if (text !== undefined) return { type: 'text', text: documentText(file.filename, context, text) };
  if (file_url !== undefined) {
    unsupported.add(`${at}.file.file_url`, 'OpenAI takes files with their content only');
    return null;
  }
  if (context !== undefined) unsupported.add(`${at}.file.context`, 'OpenAI takes no context of a file');
  // The API requires a name with each content.
  return { type: 'file', file: { filename: 'document.pdf', ...file } };
};

const documentText = (title: string | undefined, context: string | undefined, text: string): string =>
  [title, context, text].filter((line) => line !== undefined).join('\n');

const resultText = (parts: readonly JsonObject[], is_error: boolean): string | readonly JsonObject[] => {
  const texts = parts.filter(({ type }) => type === 'text');
  if (is_error) texts.unshift({ type: 'text', text: 'Error: ' });
  return texts.length > 1 ? texts : String(texts[0]?.text ?? '');
};

const attachments = (message: ChatMessage, parts: readonly JsonObject[]): readonly JsonObject[] => {
  const others = parts.filter(({ type }) => type !== 'text');
  if (others.length === 0) return [];
  return [{ type: 'text', text: `Attached to the result of the tool call ${message.tool_call_id}:` }, ...others];
};
