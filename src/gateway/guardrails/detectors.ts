/** Personal, health and card data that a prompt seems to hold. Checksums are checked, so that few numbers pass by chance. */
export type ComplianceFlag = 'PHI' | 'PII' | 'CARD';

/** The flags of a text, in a fixed order. */
export const detectFlags = (text: string): ComplianceFlag[] => {
  const has_digits = /\d{2}/.test(text);
  const flags: ComplianceFlag[] = [];
  if (has_digits && hasHealthData(text)) flags.push('PHI');
  if (hasEmail(text) || (has_digits && (hasSocialSecurityNumber(text) || hasIban(text)))) flags.push('PII');
  if (has_digits && hasCardNumber(text)) flags.push('CARD');
  return flags;
};

/** From the sign outwards: looked for from its beginning, an address in a megabyte of letters took 0.7 s. */
const hasEmail = (text: string): boolean => text.includes('@') && /(?<=[\w.+-])@[\w-]{1,63}\.[\w-]/.test(text);

/** A US social security number in a form and range that is issued (SSA, "Randomization", 2011). */
const hasSocialSecurityNumber = (text: string): boolean =>
  /\b(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b/.test(text);

/** A medical record number or a National Provider Identifier beside its name (45 CFR 164.514(b)(2), 162.406). */
const hasHealthData = (text: string): boolean => {
  if (/\b(?:MRN|medical record (?:number|no\.?))\W{0,3}\d{5,}/i.test(text)) return true;
  return anyMatch(text, /\bNPI\W{0,3}(\d{10})\b/gi, ([, digits = '']) => passesLuhn(`80840${digits}`));
};

const hasCardNumber = (text: string): boolean =>
  anyMatch(text, /\b\d/g, ({ index }) => someHead(text, index, CARD, passesLuhn));

const hasIban = (text: string): boolean =>
  anyMatch(text, /\b[A-Z]{2}\d{2}/g, ({ index }) => someHead(text, index, IBAN, passesMod97));

/** How a number is written: what it is made of, what may stand between its groups, how long it is without that. */
interface Notation {
  readonly isPart: (code: number) => boolean;
  readonly separators: string;
  readonly least: number;
  readonly most: number;
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const isCapital = (code: number): boolean => code >= 0x41 && code <= 0x5a;
const isWord = (code: number): boolean => isDigit(code) || isCapital(code & ~0x20) || code === 0x5f;

const CARD: Notation = { isPart: isDigit, separators: ' -', least: 13, most: 19 };
const IBAN: Notation = {
  isPart: (code) => isDigit(code) || isCapital(code),
  separators: ' ',
  least: 15,
  most: 34,
};

/**
 * Whether the groups from `from` on, joined, pass a test: the first ones, and one more each time. Only whole groups
 * count, so that an expiry date or a word may follow the number.
 */
const someHead = (
  text: string,
  from: number,
  { isPart, separators, least, most }: Notation,
  test: (head: string) => boolean,
): boolean => {
  let head = '';
  for (let at = from; at <= text.length; at += 1) {
    // NaN beyond the end, which is no part of anything.
    const code = text.charCodeAt(at);
    if (isPart(code)) {
      head += text.charAt(at);
      if (head.length > most) return false;
      continue;
    }
    if (isWord(code)) return false;
    if (head.length >= least && test(head)) return true;
    if (!separators.includes(text.charAt(at)) || !isPart(text.charCodeAt(at + 1))) return false;
  }
  return false;
};

/** ISO 13616: the rotated number, letters as two digits, leaves 1 modulo 97. */
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
