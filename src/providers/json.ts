import { OneVaultError } from '../core/errors.ts';
import type { JsonObject } from './chat-form.ts';

/** Whether `value` is a JSON object: neither null nor an array. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object that `text` is. @throws OneVaultError provider_malformed when it is none */
export const parseReply = (text: string): JsonObject => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new OneVaultError('provider_malformed', { details: 'The reply is not JSON.', cause });
  }
  if (!isObject(value)) throw malformed('the reply is not an object');
  return value;
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
