import { OneVaultError } from '../core/errors.ts';

/** The error for a field that does not match its protocol. */
export const invalid = (param: string, what: string): OneVaultError =>
  new OneVaultError('invalid_request', { param, details: `${param} ${what}.` });
