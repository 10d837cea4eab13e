import { invalidField } from '../../http/faults.ts';

/** Whether a text holds what looks like an e-mail address: the commonest personal data that is typed where none belongs. */
export const holdsEmail = (text: string): boolean => /[^\s@]@[^\s@]+\.[^\s@]/.test(text);

/**
 * Keeps e-mail addresses out of what can never be erased.
 * @param param the field, as the error names it
 * @throws OneVaultError validation_error when `text` holds one
 */
export const refuseEmail = (param: string, text: string): void => {
  if (!holdsEmail(text)) return;
  const rule = `${param} is kept for ever and must hold no e-mail address: PUT /customers/{slug}/contact keeps those so that they can be erased.`;
  throw invalidField(param, 'personal_data', rule);
};
