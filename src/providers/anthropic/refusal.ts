import { OneVaultError } from '../../core/errors.ts';

/** The error for a field that Anthropic's API cannot express. */
export const unsupported = (param: string, why: string): OneVaultError =>
  new OneVaultError('unsupported_feature', { param, details: `Anthropic's models ${why} (${param}).` });

/** The error for a field that is not of the form OpenAI's API takes. */
export const invalid = (param: string, what: string): OneVaultError =>
  new OneVaultError('invalid_request', { param, details: `${param} ${what}.` });
