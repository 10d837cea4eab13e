import type { ParsedUrlQuery } from 'node:querystring';
import { OneVaultError } from '../core/errors.ts';

/** Which part of a list is asked for: at most `limit` entries whose name comes after `after`. */
export interface Page {
  readonly limit: number;
  readonly after: string;
}

const DEFAULT_LIMIT = 100;
const MOST = 1_000;

/** @throws OneVaultError invalid_request */
export const readPage = (query: ParsedUrlQuery): Page => {
  const { limit, after } = query;
  const asked = limit === undefined ? DEFAULT_LIMIT : Number(limit);
  if (!Number.isInteger(asked) || asked < 1 || asked > MOST) {
    throw new OneVaultError('invalid_request', {
      param: 'limit',
      details: `limit is a whole number from 1 to ${MOST}.`,
    });
  }
  return { limit: asked, after: typeof after === 'string' ? after : '' };
};
