import type { Model } from '../../../catalog/snapshot.ts';
import { OneVaultError } from '../../../core/errors.ts';
import type { ServiceTier } from '../../../pricing/prices.ts';
import type { Rating } from '../../../pricing/rating.ts';
import type { Usage } from '../../../pricing/usage.ts';
import type { ChatChunk, ChatMessage, ChatRequest, ChatResponse } from '../../../providers/chat-form.ts';
import { textOfChoices } from '../../../providers/chat-text.ts';
import type { ChatProviderOperation } from '../../../providers/contract.ts';
import { atSourcePath, type UnsupportedFields } from '../../../providers/unsupported-fields.ts';
import type { HostedTool } from '../hosted-tools.ts';
import {
  type FinishedCall,
  KEEP_ALIVE,
  type Operation,
  type ProviderResponse,
  type StreamEncoder,
} from '../operation.ts';
import { countUsage } from '../token-count.ts';
import { singleToolCall } from './single-tool-call.ts';

/** A chat as a client protocol has read it into the pivot form. */
export interface ReadChat {
  readonly chat: ChatRequest;
  /** What the pivot form has no place for: it stands in the way of translating, but passes to its own provider. */
  readonly unsupported: readonly UnsupportedField[];
  /** Text of the prompt that is not in `chat`. */
  readonly unread: readonly string[];
  /** Tools that the provider is asked to run itself; absent: none. */
  readonly hosted_tools?: readonly HostedTool[];
  /** The client's own path of a field of the pivot form. */
  readonly locate: (param: string) => string;
}

export interface UnsupportedField {
  /** The client's own path. */
  readonly param: string;
  readonly why: string;
  /** Whether it adds nothing to the prompt. */
  readonly is_light?: boolean;
  /** Where leaving it out would mislead the client's SDK: what tells it to do without, whatever the client allows. */
  readonly protocol_code?: string;
}

/** How a client protocol writes replies of the pivot form. */
export interface ChatWriter {
  /** Reads a whole reply; gives what writes it once usage and cost are known. @throws OneVaultError provider_malformed */
  whole(response: ChatResponse): (call: FinishedCall, rating: Rating) => string;
  stream(): ChatStreamEncoder;
}

/** A stream in the client's own frames; holds the state of one. */
export interface ChatStreamEncoder {
  /**
   * @param usage what the provider has told by now of the whole reply
   * @returns '' where the chunk says nothing to this client
   * @throws OneVaultError provider_malformed
   */
  chunk(chunk: ChatChunk, usage: Usage | null): string;
  last(call: FinishedCall, rating: Rating): string;
  /** As in `Frames`; absent where frames are server-sent events. */
  readonly keep_alive?: string;
  readonly next_number?: number;
}

// What a provider's own tool instructions add to a prompt (Anthropic publishes 313 to 530 tokens).
const TOOL_PROMPT_TOKENS = 1_024;
// Stands in where neither the client nor the catalog bounds a reply: as long as any model writes today.
const LONGEST_REPLY_TOKENS = 131_072;

/** A chat as the steps of a call see it. */
export const chatOperation = (read: ReadChat, writer: ChatWriter): Operation => ({
  isBilled: true,
  capability: 'chat',
  isServedBy: () => true,
  service_tier: asTier(read.chat.service_tier),
  hosted_tools: read.hosted_tools ?? [],
  promptText: () => promptText(read),
  maxPromptTokens: (model, body_bytes) => maxPromptTokens(read, model, body_bytes),
  maxCompletionTokens: (model) => maxCompletionTokens(read.chat, model),
  translate: (adapter, target, unsupported) => {
    const request = adapter.chat.request(read.chat, target, unsupportedOf(read, unsupported));
    return {
      request,
      whole: (text) => responseOf(adapter.chat, text, read.chat, writer),
      stream: () => encoderOf(adapter.chat, read.chat, writer),
    };
  },
  ownResponse: () => Promise.reject(new Error('a chat has no answer of our own')),
  countUsage: (written) => countUsage(read.chat, written),
});

const asTier = (asked: unknown): ServiceTier => (asked === 'flex' || asked === 'priority' ? asked : 'standard');

/** What is lost on the way into the pivot form counts from the start; what is lost after it, by the client's paths. */
export const unsupportedOf = (
  read: Pick<ReadChat, 'unsupported' | 'locate'>,
  unsupported: UnsupportedFields,
): UnsupportedFields => {
  for (const { param, why, protocol_code } of read.unsupported) {
    if (protocol_code !== undefined) {
      throw new OneVaultError('unsupported_feature', { param, details: `${why} (${param}).`, protocol_code });
    }
    unsupported.lose(param, why);
  }
  return atSourcePath(unsupported, read.locate);
};

const responseOf = (
  chat: ChatProviderOperation,
  text: string,
  asked: ChatRequest,
  writer: ChatWriter,
): ProviderResponse => {
  const { result, usage, broken = null } = chat.response(text);
  return {
    usage,
    broken,
    written: () => textOfChoices(result.choices, 'message'),
    body: writer.whole(singleToolCall(asked).whole(result)),
  };
};

const encoderOf = (chat: ChatProviderOperation, asked: ChatRequest, writer: ChatWriter): StreamEncoder => {
  const stream = chat.stream();
  const encoder = writer.stream();
  const bounded = singleToolCall(asked).stream();
  return {
    push: (piece) => {
      if (piece.data === null) return '';
      let text = '';
      for (const chunk of stream.push(piece)) text += encoder.chunk(bounded(chunk), stream.usage);
      return text;
    },
    end: () => stream.end(),
    get is_over() {
      return stream.is_over === true;
    },
    keep_alive: encoder.keep_alive ?? KEEP_ALIVE,
    get next_number() {
      return encoder.next_number ?? 0;
    },
    last: encoder.last,
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
const maxPromptTokens = (read: ReadChat, model: Model, body_bytes: number): number => {
  const { chat } = read;
  const tools = chat.tools === undefined || chat.tools === null ? 0 : TOOL_PROMPT_TOKENS;
  if (isHeavy(read) && model.context_window_tokens !== null) return model.context_window_tokens;
  return Math.min(body_bytes + tools, model.context_window_tokens ?? Number.MAX_SAFE_INTEGER);
};

/** Whether a prompt may weigh more than its bytes: by pictures, files, and tools that a provider runs itself. */
const isHeavy = ({ chat, unsupported }: ReadChat): boolean =>
  unsupported.some(({ is_light }) => is_light !== true) ||
  (chat.web_search_options ?? null) !== null ||
  chat.messages.some(hasOtherThanText) ||
  (Array.isArray(chat.tools) && (chat.tools as { type?: unknown }[]).some((tool) => tool.type !== 'function'));

const hasOtherThanText = ({ content }: ChatMessage): boolean =>
  Array.isArray(content) && content.some(({ type }) => type !== 'text');

const maxCompletionTokens = (chat: ChatRequest, model: Model): number => {
  const asked = chat.max_completion_tokens ?? chat.max_tokens;
  const most = asked ?? model.max_output_tokens ?? LONGEST_REPLY_TOKENS;
  return most * (typeof chat.n === 'number' ? chat.n : 1);
};
