/** Kinds of personal, health and card data in a prompt. Checksums are verified, so that few other numbers match. */
export type ComplianceFlag = 'PHI' | 'PII' | 'CARD';

/** Flags of a text, in a fixed order. */
export const detectFlags = (text: string): ComplianceFlag[] => {
  const has_digits = /\d{2}/.test(text);
  const flags: ComplianceFlag[] = [];
  if (has_digits && hasHealthData(text)) flags.push('PHI');
  if (hasEmail(text) || (has_digits && (hasSocialSecurityNumber(text) || hasIban(text)))) flags.push('PII');
  if (has_digits && hasCardNumber(text)) flags.push('CARD');
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

const hasCardNumber = (text: string): boolean =>
  anyMatch(text, /\b\d/g, ({ index }) => anyPrefix(text, index, CARD, passesLuhn));

const hasIban = (text: string): boolean =>
  anyMatch(text, /\b[A-Z]{2}\d{2}/g, ({ index }) => anyPrefix(text, index, IBAN, passesMod97));

/** Notation of a number: its characters, the separators of its groups, and its length without separators. */
interface Notation {
  readonly isPart: (code: number) => boolean;
  readonly separators: string;
  readonly min_length: number;
  readonly max_length: number;
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const isCapital = (code: number): boolean => code >= 0x41 && code <= 0x5a;
const isWord = (code: number): boolean => isDigit(code) || isCapital(code & ~0x20) || code === 0x5f;

const CARD: Notation = { isPart: isDigit, separators: ' -', min_length: 13, max_length: 19 };
const IBAN: Notation = {
  isPart: (code) => isDigit(code) || isCapital(code),
  separators: ' ',
  min_length: 15,
  max_length: 34,
};

/**
 * True if the first groups from `from` on, joined, pass a test: one group, then one more each time. Only whole groups
 * count: an expiry date or a word may follow the number.
 */
const anyPrefix = (
  text: string,
  from: number,
  { isPart, separators, min_length, max_length }: Notation,
  test: (prefix: string) => boolean,
): boolean => {
  let prefix = '';
  for (let at = from; at <= text.length; at += 1) {
    // NaN after the end matches no character class.
    const code = text.charCodeAt(at);
    if (isPart(code)) {
      prefix += text.charAt(at);
      if (prefix.length > max_length) return false;
      continue;
    }
    if (isWord(code)) return false;
    if (prefix.length >= min_length && test(prefix)) return true;
    if (!separators.includes(text.charAt(at)) || !isPart(text.charCodeAt(at + 1))) return false;
  }
  return false;
};

/** ISO 13616: the rotated number, with letters as two digits, is 1 modulo 97. */
const passesMod97 = (iban: string): boolean => {
  let rest = 0;
  for (let index = 0; index < iban.length; index += 1) {
    const code = iban.charCodeAt((index + 4) % iban.length);
    const value = isDigit(code) ? code - ZERO : code - LETTER_TEN;
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
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
// A is 10, B is 11.
const LETTER_TEN = 0x41 - 10;

const anyMatch = (text: string, pattern: RegExp, test: (match: RegExpExecArray) => boolean): boolean => {
  for (const match of text.matchAll(pattern)) if (test(match)) return true;
  return false;
};
