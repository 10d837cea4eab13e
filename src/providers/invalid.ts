import { OneVaultError } from '../core/errors.ts';

/** The error for a field that is not of the form that its protocol takes. */
export const invalid = (param: string, what: string): OneVaultError =>
  new OneVaultError('invalid_request', { param, details: `${param} ${what}.` });
