import type { Model } from '../../control/snapshot.ts';
import type { ChatChunk, ChatMessage, ChatRequest, ChatResponse } from '../../providers/chat-form.ts';
import { textOfChoices } from '../../providers/chat-text.ts';
import type { ChatOperation } from '../../providers/contract.ts';
import { type Losses, located } from '../../providers/losses.ts';
import type { Rating } from '../rating.ts';
import { countUsage } from '../tokens.ts';
import type { Answer, Ending, Frames, Work } from '../work.ts';

/** A chat as a client protocol has read it into the pivot form. */
export interface ReadChat {
  readonly chat: ChatRequest;
  /** What the pivot form has no place for: it stands in the way of translating, but passes to its own provider. */
  readonly losses: readonly Loss[];
  /** Text of the prompt that is not in `chat`. */
  readonly unread: readonly string[];
  /** The client's own path of a field of the pivot form. */
  readonly locate: (param: string) => string;
}

export interface Loss {
  /** The client's own path. */
  readonly param: string;
  readonly why: string;
}

/** How a client protocol writes replies of the pivot form. */
export interface ChatWriter {
  /** Reads a whole reply; gives what writes it once usage and cost are known. @throws OneVaultError provider_malformed */
  whole(response: ChatResponse): (call: Ending, rating: Rating) => string;
  stream(): ChatFrames;
}

/** A stream in the client's own frames; holds the state of one. */
export interface ChatFrames {
  /** '' where the chunk says nothing to this client. @throws OneVaultError provider_malformed */
  chunk(chunk: ChatChunk): string;
  last(call: Ending, rating: Rating): string;
}

// What a provider's own tool instructions add to a prompt (Anthropic publishes 313 to 530 tokens).
const TOOL_PROMPT_TOKENS = 1_024;
// Stands in where neither the client nor the catalog bounds a reply: as long as any model writes today.
const LONGEST_REPLY_TOKENS = 131_072;

/** A chat as the steps of a call see it. */
export const chatWork = (read: ReadChat, writer: ChatWriter): Work => ({
  isBilled: true,
  capability: 'chat',
  isServedBy: () => true,
  promptText: () => promptText(read),
  mostPromptTokens: (model, body_bytes) => mostPromptTokens(read, model, body_bytes),
  mostCompletionTokens: (model) => mostCompletionTokens(read.chat, model),
  translate: (adapter, target, losses) => {
    const request = adapter.chat.request(read.chat, target, losesOf(read, losses));
    return {
      request,
      whole: (text) => answerOf(adapter.chat, text, writer),
      stream: () => framesOf(adapter.chat, writer),
    };
  },
  answer: () => Promise.reject(new Error('a chat has no answer of our own')),
  countUsage: (written) => countUsage(read.chat, written),
});

/** What is lost on the way into the pivot form counts from the start; what is lost after it, by the client's paths. */
export const losesOf = (read: ReadChat, losses: Losses): Losses => {
  for (const { param, why } of read.losses) losses.lose(param, why);
  return located(losses, read.locate);
};

const answerOf = (chat: ChatOperation, text: string, writer: ChatWriter): Answer => {
  const { result, usage } = chat.response(text);
  return {
    usage,
    written: () => textOfChoices(result.choices, 'message'),
    body: writer.whole(result),
  };
};

const framesOf = (chat: ChatOperation, writer: ChatWriter): Frames => {
  const stream = chat.stream();
  const frames = writer.stream();
  return {
    push: (event) => {
      let text = '';
      for (const chunk of stream.push(event)) text += frames.chunk(chunk);
      return text;
    },
    end: () => stream.end(),
    last: frames.last,
    get usage() {
      return stream.usage;
    },
    written: () => stream.text(),
  };
};

export const promptText = ({ chat, unread }: ReadChat): string => {
  const texts: string[] = [...unread];
  for (const { content, tool_calls } of chat.messages) {
    if (typeof content === 'string') texts.push(content);
    else for (const { text, file } of content ?? []) texts.push(...[text, file?.text].filter(isText));
    for (const call of tool_calls ?? []) texts.push(...[call.function?.arguments].filter(isText));
  }
  return texts.join('\n');
};

const isText = (value: unknown): value is string => typeof value === 'string';

/** A byte-level tokenizer makes no token of less than a byte; only pictures and the like weigh more than their reference. */
const mostPromptTokens = (read: ReadChat, model: Model, body_bytes: number): number => {
  const { chat } = read;
  const tools = chat.tools === undefined || chat.tools === null ? 0 : TOOL_PROMPT_TOKENS;
  if (isHeavy(read) && model.context_window_tokens !== null) return model.context_window_tokens;
  return Math.min(body_bytes + tools, model.context_window_tokens ?? Number.MAX_SAFE_INTEGER);
};

/** Whether a prompt may weigh more than its bytes: by pictures, files, and tools that a provider runs itself. */
const isHeavy = ({ chat, losses }: ReadChat): boolean =>
  losses.length > 0 ||
  (chat.web_search_options ?? null) !== null ||
  chat.messages.some(hasOtherThanText) ||
  (Array.isArray(chat.tools) &&
    (chat.tools as { type?: unknown }[]).some((tool) => tool.type !== 'function'));

const hasOtherThanText = ({ content }: ChatMessage): boolean =>
  Array.isArray(content) && content.some(({ type }) => type !== 'text');

const mostCompletionTokens = (chat: ChatRequest, model: Model): number => {
  const asked = chat.max_completion_tokens ?? chat.max_tokens;
  const most = asked ?? model.max_output_tokens ?? LONGEST_REPLY_TOKENS;
  return most * (typeof chat.n === 'number' ? chat.n : 1);
};
