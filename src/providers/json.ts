import { OneVaultError } from '../core/errors.ts';
import type { JsonObject } from './chat-form.ts';

/** Whether `value` is a JSON object: neither null nor an array. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object that `text` is. @throws OneVaultError provider_malformed when it is none */
export const parseResponse = (text: string): JsonObject => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new OneVaultError('provider_malformed', { details: 'The reply is not JSON.', cause });
  }
  if (!isObject(value)) throw malformed('the reply is not an object');
  if (nestsDeeply(text)) throw malformed('values are nested too deeply');
  return value;
};

// Far above what any request or reply needs; what walks them recursively fails at some 5,000.
const DEPTH_MAX = 500;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether the values of a JSON text, known to be one, stand deeper than 500 within each other. */
export const nestsDeeply = (text: string): boolean => {
  if (text.length < 2 * DEPTH_MAX) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    // The brackets and braces: 0x5b, 0x7b, 0x5d, 0x7d.
    else if ((code & 0xdf) === 0x5b) depth += 1;
    else if ((code & 0xdf) === 0x5d) depth -= 1;
    if (depth > DEPTH_MAX) return true;
  }
  return false;
};

/** @param from where its first quote stands */
const endOfString = (text: string, from: number): number => {
  let at = from;
  do {
    at = text.indexOf('"', at + 1);
  } while (isEscaped(text, at));
  return at;
};

const isEscaped = (text: string, at: number): boolean => {
  let before = at;
  while (text.charCodeAt(before - 1) === BACKSLASH) before -= 1;
  return (at - before) % 2 === 1;
};

/** A provider_malformed error that says what was wrong. */
export const malformed = (what: string): OneVaultError =>
  new OneVaultError('provider_malformed', { details: `In the provider's reply, ${what}.` });

/**
 * A count of tokens as a provider reports it: an absent one is 0.
 * @throws OneVaultError provider_malformed when it is not an integer of at least 0
 */
export const tokenCount = (value: unknown, name: string): number => {
  if (value === undefined || value === null) return 0;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw malformed(`${name} is not a count of tokens`);
  }
  return value;
};
