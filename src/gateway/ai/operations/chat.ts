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

/** A chat request that a client protocol has parsed into the pivot form. */
export interface ReadChat {
  readonly chat: ChatRequest;
  /** Fields without a place in the pivot form: a translation omits or refuses them, a passthrough carries them. */
  readonly unsupported: readonly UnsupportedField[];
  /** Prompt text that is not in `chat`. */
  readonly unread: readonly string[];
  /** Requested tools that a provider runs itself; absent: none. */
  readonly hosted_tools?: readonly HostedTool[];
  /** Converts a path of the pivot form to the client's path. */
  readonly locate: (param: string) => string;
}

export interface UnsupportedField {
  /** The client's path. */
  readonly param: string;
  readonly why: string;
  /** True if it adds nothing to the prompt. */
  readonly is_light?: boolean;
  /**
   * Error code on which the client's SDK omits the field. Set if omitting the field would mislead the SDK:
   * then it is refused in any case.
   */
  readonly protocol_code?: string;
}

/** Writes responses of the pivot form in a client's protocol. */
export interface ChatWriter {
  /**
   * Reads a whole response.
   * @returns a function that writes the client's body once usage and cost are known
   * @throws OneVaultError provider_malformed
   */
  whole(response: ChatResponse): (call: FinishedCall, rating: Rating) => string;
  stream(): ChatStreamEncoder;
}

/** Encodes one stream in the client's frames. */
export interface ChatStreamEncoder {
  /**
   * @param usage the usage that the provider has reported so far
   * @returns '' if the chunk contains nothing for this client
   * @throws OneVaultError provider_malformed
   */
  chunk(chunk: ChatChunk, usage: Usage | null): string;
  last(call: FinishedCall, rating: Rating): string;
  /** As in `StreamEncoder`; absent for server-sent events. */
  readonly keep_alive?: string;
  readonly next_number?: number;
}

// Tokens that a provider's tool instructions add to a prompt (Anthropic publishes 313 to 530).
const TOOL_PROMPT_TOKENS = 1_024;
// Length limit if neither the client nor the catalog has one: as long as any model writes today.
const DEFAULT_MAX_TOKENS = 131_072;

/** Creates the operation of a chat call. */
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
  ownResponse: () => Promise.reject(new Error('the gateway has no chat response of its own')),
  countUsage: (written) => countUsage(read.chat, written),
});

const asTier = (tier: unknown): ServiceTier => (tier === 'flex' || tier === 'priority' ? tier : 'standard');

/** Adds the fields that the pivot form cannot express, and maps later ones to the client's paths. */
export const unsupportedOf = (
  read: Pick<ReadChat, 'unsupported' | 'locate'>,
  unsupported: UnsupportedFields,
): UnsupportedFields => {
  for (const { param, why, protocol_code } of read.unsupported) {
    if (protocol_code !== undefined) {
      throw new OneVaultError('unsupported_feature', { param, details: `${why} (${param}).`, protocol_code });
    }
    unsupported.add(param, why);
  }
  return atSourcePath(unsupported, read.locate);
};

const responseOf = (
  chat: ChatProviderOperation,
  text: string,
  request: ChatRequest,
  writer: ChatWriter,
): ProviderResponse => {
  const { result, usage, broken = null } = chat.response(text);
  return {
    usage,
    broken,
    written: () => textOfChoices(result.choices, 'message'),
    body: writer.whole(singleToolCall(request).whole(result)),
  };
};

const encoderOf = (chat: ChatProviderOperation, request: ChatRequest, writer: ChatWriter): StreamEncoder => {
  const stream = chat.stream();
  const encoder = writer.stream();
  const bounded = singleToolCall(request).stream();
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

/** A byte-level tokenizer makes no token of less than a byte. Only images and files weigh more than their reference. */
const maxPromptTokens = (read: ReadChat, model: Model, body_bytes: number): number => {
  const { chat } = read;
  const tools = chat.tools === undefined || chat.tools === null ? 0 : TOOL_PROMPT_TOKENS;
  if (isHeavy(read) && model.context_window_tokens !== null) return model.context_window_tokens;
  return Math.min(body_bytes + tools, model.context_window_tokens ?? Number.MAX_SAFE_INTEGER);
};

/** True if a prompt may have more tokens than bytes: with images, files, or tools that a provider runs itself. */
const isHeavy = ({ chat, unsupported }: ReadChat): boolean =>
  unsupported.some(({ is_light }) => is_light !== true) ||
  (chat.web_search_options ?? null) !== null ||
  chat.messages.some(hasOtherThanText) ||
  (Array.isArray(chat.tools) && (chat.tools as { type?: unknown }[]).some((tool) => tool.type !== 'function'));

const hasOtherThanText = ({ content }: ChatMessage): boolean =>
  Array.isArray(content) && content.some(({ type }) => type !== 'text');

const maxCompletionTokens = (chat: ChatRequest, model: Model): number => {
  const limit = chat.max_completion_tokens ?? chat.max_tokens ?? model.max_output_tokens ?? DEFAULT_MAX_TOKENS;
  return limit * (typeof chat.n === 'number' ? chat.n : 1);
};
