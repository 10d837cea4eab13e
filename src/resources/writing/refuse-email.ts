import { invalidField } from '../../http/faults.ts';

/** True if a text contains an e-mail address: the most common personal data in a wrong field. */
export const holdsEmail = (text: string): boolean => /[^\s@]@[^\s@]+\.[^\s@]/.test(text);

/**
 * Refuses an e-mail address in a text that can never be erased.
 * @param param the field, as the error names it
 * @throws OneVaultError validation_error if `text` contains one
 */
export const refuseEmail = (param: string, text: string): void => {
  if (!holdsEmail(text)) return;
  const rule = `${param} is kept for ever and must hold no e-mail address: PUT /customers/{slug}/contact keeps those so that they can be erased.`;
  throw invalidField(param, 'personal_data', rule);
};
