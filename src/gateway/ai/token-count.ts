import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { Usage } from '../../pricing/usage.ts';
import type { ChatRequest, ToolCall } from '../../providers/chat-form.ts';

// What OpenAI's chat format adds around each message and before the reply (OpenAI cookbook, "How to count tokens").
const TOKENS_PER_MESSAGE = 3;
const TOKENS_BEFORE_REPLY = 3;

// The tokenizer's time grows with the square of a word: 100,000 characters without a space took 47 s, in pieces of
// this size 0.04 s.
const PIECE_CHARS = 128;
// A few milliseconds of counting, after which others get their turn.
const PIECES_AT_ONCE = 64;

// About as much as any model writes in one reply, and a second of counting at worst.
const COUNTED_MAX_CHARS = 524_288;

// A prompt may well write of `<|endoftext|>`: it is text like any other.
const AS_TEXT = { disallowedSpecial: new Set<string>() };

/**
 * Counts a call's tokens where its provider told none: with o200k_base, the encoding of OpenAI's present models,
 * which is close to others' and marked as counted in the record. The tokenizer is loaded with the first count.
 * @param produced the text that the provider produced
 */
export const countUsage = async (chat: ChatRequest, produced: string): Promise<Usage> => {
  let prompt_tokens = TOKENS_BEFORE_REPLY;
  for (const message of chat.messages) {
    const { role, content } = message;
    prompt_tokens += TOKENS_PER_MESSAGE + (await countText(role));
    if (typeof content === 'string') prompt_tokens += await countText(content);
    else for (const part of content ?? []) prompt_tokens += await countText(part.text ?? part.file?.text ?? '');
    for (const call of message.tool_calls ?? []) prompt_tokens += await countText(calledText(call));
  }
  if (Array.isArray(chat.tools)) prompt_tokens += await countText(JSON.stringify(chat.tools));
  return countedUsage(prompt_tokens, await countText(produced));
};

/** Usage of which nothing but two sums is known. */
export const countedUsage = (prompt_tokens: number, completion_tokens: number): Usage => ({
  prompt_tokens,
  completion_tokens,
  total_tokens: prompt_tokens + completion_tokens,
  cached_tokens: 0,
  cache_write_tokens: 0,
  reasoning_tokens: 0,
  prompt_audio_tokens: 0,
  completion_audio_tokens: 0,
});

const calledText = ({ function: called }: ToolCall): string =>
  [called?.name, called?.arguments].filter((text) => typeof text === 'string').join('');

/** Tokens of a text in o200k_base. What is beyond the limit is taken to be as dense as what is before it. */
export const countText = async (text: string): Promise<number> => {
  const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base');
  let tokens = 0;
  let pieces = 0;
  const counted = text.slice(0, COUNTED_MAX_CHARS);
  for (let from = 0; from < counted.length; ) {
    const to = endOfPiece(counted, from);
    tokens += countTokens(counted.slice(from, to), AS_TEXT);
    from = to;
    pieces += 1;
    if (pieces % PIECES_AT_ONCE === 0) await yieldToOthers();
  }
  return text.length <= counted.length ? tokens : Math.ceil((tokens * text.length) / counted.length);
};

// Above it are marks that no text holds.
const LAST_WORD = 100_255;
// About 10 ms of decoding.
const TOKENS_AT_ONCE = 20_000;

/**
 * The text that tokens stand for in cl100k_base, the encoding of OpenAI's embedding models, whose clients send tokens
 * in the place of texts; it is loaded with the first of them. What is no token of it stands for nothing.
 */
export const textOfTokens = async (tokens: readonly number[]): Promise<string> => {
  const { decode } = await import('gpt-tokenizer/encoding/cl100k_base');
  let text = '';
  for (let from = 0; from < tokens.length; from += TOKENS_AT_ONCE) {
    if (from > 0) await yieldToOthers();
    text += decode(tokens.slice(from, from + TOKENS_AT_ONCE).filter((token) => token <= LAST_WORD));
  }
  return text;
};

/** Before a space where there is one, as tokens start with their space; never within a character. */
const endOfPiece = (text: string, from: number): number => {
  const most = from + PIECE_CHARS;
  if (most >= text.length) return text.length;
  // Looked for in the piece alone: in a text without any, all of it would be searched for each.
  const space = text.slice(from, most + 1).lastIndexOf(' ');
  if (space > 0) return from + space;
  const is_high_surrogate = (text.charCodeAt(most - 1) & 0xfc00) === 0xd800;
  return is_high_surrogate ? most - 1 : most;
};
