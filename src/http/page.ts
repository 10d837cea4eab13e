import type { ParsedUrlQuery } from 'node:querystring';
import { OneVaultError } from '../core/errors.ts';

/** The requested part of a list: at most `limit` entries whose name sorts after `after`. */
export interface Page {
  readonly limit: number;
  readonly after: string;
}

const DEFAULT_LIMIT = 100;
const MOST = 1_000;

/** @throws OneVaultError invalid_request */
export const readPage = (query: ParsedUrlQuery): Page => {
  const limit = readText(query, 'limit') ?? undefined;
  const asked = limit === undefined ? DEFAULT_LIMIT : Number(limit);
  if (!Number.isInteger(asked) || asked < 1 || asked > MOST) {
    throw new OneVaultError('invalid_request', {
      param: 'limit',
      details: `limit is a whole number from 1 to ${MOST}.`,
    });
  }
  return { limit: asked, after: readText(query, 'after') ?? '' };
};

/**
 * A parameter of a query; null if it is missing.
 * @throws OneVaultError invalid_request if it appears twice, or holds a NUL, which no text of the product holds
 */
export const readText = (query: ParsedUrlQuery, name: string): string | null => {
  const value = query[name];
  if (value === undefined) return null;
  if (typeof value === 'string' && !value.includes('\0')) return value;
  throw new OneVaultError('invalid_request', { param: name, details: `${name} is one text without NUL.` });
};
