import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { Usage } from '../../pricing/usage.ts';
import type { ChatRequest, ToolCall } from '../../providers/chat-form.ts';

// OpenAI's chat format adds tokens around each message and before the response (OpenAI cookbook, "How to count tokens").
const TOKENS_PER_MESSAGE = 3;
const TOKENS_BEFORE_RESPONSE = 3;

// The tokenizer's time grows with the square of a word's length: 100,000 characters without a space took 47 s, in
// pieces of this size 0.04 s.
const PIECE_CHARS = 128;
// A few milliseconds of counting, after which other calls get their turn.
const PIECES_AT_ONCE = 64;

// About the longest response of any model, and at most a second of counting.
const COUNTED_MAX_CHARS = 524_288;

// A prompt may contain `<|endoftext|>`: it is counted as ordinary text.
const AS_TEXT = { disallowedSpecial: new Set<string>() };

/**
 * Counts the tokens of a call whose provider reported none, with o200k_base, the encoding of OpenAI's present models.
 * Other models' counts are close; the record marks the usage as counted. The first count loads the tokenizer.
 * @param produced the text that the provider produced
 */
export const countUsage = async (chat: ChatRequest, produced: string): Promise<Usage> => {
  let prompt_tokens = TOKENS_BEFORE_RESPONSE;
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

/** Usage that consists of two known sums only. */
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

/** Tokens of a text in o200k_base. Beyond the limit, they are estimated by the density of the counted part. */
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

// Higher token numbers are control marks, which no text contains.
const LAST_TEXT_TOKEN = 100_255;
// About 10 ms of decoding.
const TOKENS_AT_ONCE = 20_000;

/**
 * Decodes tokens in cl100k_base, the encoding of OpenAI's embedding models, whose clients may send tokens instead of
 * texts. Unknown tokens are skipped. The first call loads the decoder.
 */
export const textOfTokens = async (tokens: readonly number[]): Promise<string> => {
  const { decode } = await import('gpt-tokenizer/encoding/cl100k_base');
  let text = '';
  for (let from = 0; from < tokens.length; from += TOKENS_AT_ONCE) {
    if (from > 0) await yieldToOthers();
    text += decode(tokens.slice(from, from + TOKENS_AT_ONCE).filter((token) => token <= LAST_TEXT_TOKEN));
  }
  return text;
};

/** Ends before a space if there is one, because tokens start with their space; never within a character. */
const endOfPiece = (text: string, from: number): number => {
  const limit = from + PIECE_CHARS;
  if (limit >= text.length) return text.length;
  // Searched in the piece only: in a text without spaces, each search would read the whole text.
  const space = text.slice(from, limit + 1).lastIndexOf(' ');
  if (space > 0) return from + space;
  const is_high_surrogate = (text.charCodeAt(limit - 1) & 0xfc00) === 0xd800;
  return is_high_surrogate ? limit - 1 : limit;
};
