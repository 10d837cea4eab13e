import { OneVaultError } from '../core/errors.ts';
import type { JsonObject } from './chat-form.ts';

/** True if `value` is a JSON object: neither null nor an array. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The JSON object in `text`. @throws OneVaultError provider_malformed if it is not one */
export const parseResponse = (text: string): JsonObject => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new OneVaultError('provider_malformed', { details: 'The response is not JSON.', cause });
  }
  if (!isObject(value)) throw malformed('the top level is not an object');
  if (nestsDeeply(text)) throw malformed('values are nested too deeply');
  return value;
};

// Far above the depth of any request or response; recursive code fails at about 5,000.
const DEPTH_MAX = 500;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** True if the values of a valid JSON text are nested deeper than 500 levels. */
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

/** @param from position of the opening quote */
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

/** A provider_malformed error. @param what the fault as a clause */
export const malformed = (what: string): OneVaultError =>
  new OneVaultError('provider_malformed', { details: `In the provider's response, ${what}.` });

/**
 * A token count that a provider reports; 0 if it is missing.
 * @throws OneVaultError provider_malformed if it is not an integer of at least 0
 */
export const tokenCount = (value: unknown, name: string): number => {
  if (value === undefined || value === null) return 0;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw malformed(`${name} is not a count of tokens`);
  }
  return value;
};
