import type { EmbeddingRequest } from '../../../../providers/embedding-form.ts';
import { invalid } from '../../../../providers/invalid.ts';

/**
 * Reads the input of an embeddings request: a text, tokens, or a list of either. The schema guarantees a non-empty
 * string or list.
 * @throws OneVaultError invalid_request, naming the item
 */
export const readInput = (input: string | readonly unknown[]): EmbeddingRequest['input'] => {
  if (typeof input === 'string') return input;
  const [first] = input;
  const kind = typeof first === 'string' ? TEXT : typeof first === 'number' ? TOKEN : TOKENS;
  input.forEach((item, index) => {
    if (!kind.holds(item)) throw invalid(`input[${index}]`, `is not ${kind.name}`);
  });
  return input as EmbeddingRequest['input'];
};

const isToken = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;

const TEXT = { name: 'a string, as the first item is', holds: (item: unknown) => typeof item === 'string' };
const TOKEN = { name: 'a token, an integer of at least 0, as the first item is', holds: isToken };
const TOKENS = {
  name: 'a string or a list of tokens',
  holds: (item: unknown) => Array.isArray(item) && item.length > 0 && item.every(isToken),
};
