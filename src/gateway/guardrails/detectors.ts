import { withoutBase64 } from './base64-runs.ts';
import { hasCardNumber, hasIban } from './grouped-numbers.ts';

/**
 * Kinds of personal, health and card data in a prompt. Checksums are verified, so that few other numbers match.
 * UNSCANNED: the prompt has base64, which is not searched.
 */
export type ComplianceFlag = 'PHI' | 'PII' | 'CARD' | 'UNSCANNED';

/** Flags of a text, in a fixed order. */
export const detectFlags = (whole: string): ComplianceFlag[] => {
  const text = withoutBase64(whole);
  const has_digits = /\d{2}/.test(text);
  const flags: ComplianceFlag[] = [];
  if (has_digits && hasHealthData(text)) flags.push('PHI');
  if (hasEmail(text) || (has_digits && (hasSocialSecurityNumber(text) || hasIban(text)))) flags.push('PII');
  if (has_digits && hasCardNumber(text)) flags.push('CARD');
  if (text.length < whole.length) flags.push('UNSCANNED');
  return flags;
};

/** Searches from the @ sign. From an address's start, the search in a megabyte of letters took 0.7 s. */
const hasEmail = (text: string): boolean => text.includes('@') && /(?<=[\w.+-])@[\w-]{1,63}\.[\w-]/.test(text);

/** A US social security number of an issued form and range (SSA, "Randomization", 2011). */
const hasSocialSecurityNumber = (text: string): boolean =>
  /\b(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b/.test(text);

/** A medical record number or National Provider Identifier next to its name (45 CFR 164.514(b)(2), 162.406). */
const hasHealthData = (text: string): boolean => {
  if (/\b(?:MRN|medical record (?:number|no\.?))\W{0,3}\d{5,}/i.test(text)) return true;
  return anyMatch(text, /\bNPI\W{0,3}(\d{10})\b/gi, ([, digits = '']) => passesLuhn(`80840${digits}`));
};

/** ISO/IEC 7812-1, annex B. */
const passesLuhn = (digits: string): boolean => {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - ZERO;
    const doubled = digit * 2;
    sum += index % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
};

const ZERO = 0x30;
const anyMatch = (text: string, pattern: RegExp, test: (match: RegExpExecArray) => boolean): boolean => {
  for (const match of text.matchAll(pattern)) if (test(match)) return true;
  return false;
};
