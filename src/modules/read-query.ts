import type { ParsedUrlQuery } from 'node:querystring';
import { OneVaultError } from '../core/errors.ts';
import { readText } from '../http/page.ts';
import { isVaultInstant } from '../vault/row-schema.ts';

/** An instant of a query; undefined where it is not there. @throws OneVaultError invalid_request */
export const readInstant = (query: ParsedUrlQuery, param: string): string | undefined => {
  const value = query[param];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && isVaultInstant(value)) return value;
  throw new OneVaultError('invalid_request', {
    param,
    details: `${param} is one instant in UTC, as 2026-11-21T10:05:00Z or with up to six decimals.`,
  });
};

/** A whole number of a query, 0 or more; null where it is not there. @throws OneVaultError invalid_request */
export const readNumber = (query: ParsedUrlQuery, param: string): number | null => {
  const text = readText(query, param);
  if (text === null) return null;
  const number = Number(text);
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(number)) return number;
  throw new OneVaultError('invalid_request', { param, details: `${param} is a whole number, 0 or more.` });
};
