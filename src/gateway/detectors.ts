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
const hasEmail = (text: string): boolean =>
  text.includes('@') && /(?<=[\w.+-])@[\w-]{1,63}\.[\w-]/.test(text);

/** A US social security number in a form and range that is issued (SSA, "Randomization", 2011). */
const hasSocialSecurityNumber = (text: string): boolean =>
  /\b(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b/.test(text);

/** A medical record number or a National Provider Identifier beside its name (45 CFR 164.514(b)(2), 162.406). */
const hasHealthData = (text: string): boolean => {
  if (/\b(?:MRN|medical record (?:number|no\.?))\W{0,3}\d{5,}/i.test(text)) return true;
  return anyMatch(text, /\bNPI\W{0,3}(\d{10})\b/gi, ([, digits = '']) => passesLuhn(`80840${digits}`));
};

/** Whole groups of digits: other numbers may stand right before and behind, as an expiry date does. */
const hasCardNumber = (text: string): boolean =>
  anyMatch(text, /\b(?=(\d(?:[ -]?\d){12,18})\b)/g, ([, match = '']) =>
    headsOf(match.split(/[ -]/), CARD_DIGITS).some(passesLuhn),
  );

const CARD_DIGITS = { least: 13, most: 19 } as const;

const hasIban = (text: string): boolean =>
  anyMatch(text, /\b(?=([A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30})\b)/g, ([, match = '']) =>
    headsOf(match.split(' '), IBAN_LENGTH).some(passesMod97),
  );

const IBAN_LENGTH = { least: 15, most: 34 } as const;

/** The first groups joined, then one more each time, as far as the result has a length that is asked for. */
const headsOf = (groups: readonly string[], { least, most }: { least: number; most: number }): string[] => {
  const heads: string[] = [];
  let head = '';
  for (const group of groups) {
    head += group;
    if (head.length >= least && head.length <= most) heads.push(head);
  }
  return heads;
};

/** ISO 13616: the rotated number, letters as two digits, leaves 1 modulo 97. */
const passesMod97 = (iban: string): boolean => {
  const digits = `${iban.slice(4)}${iban.slice(0, 4)}`.replace(/[A-Z]/g, (letter) =>
    String(letter.charCodeAt(0) - 55),
  );
  return BigInt(digits) % 97n === 1n;
};

/** ISO/IEC 7812-1, annex B. */
const passesLuhn = (digits: string): boolean => {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = Number(digits[digits.length - 1 - index]);
    const doubled = digit * 2;
    sum += index % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
};

const anyMatch = (text: string, pattern: RegExp, test: (match: RegExpExecArray) => boolean): boolean => {
  for (const match of text.matchAll(pattern)) if (test(match)) return true;
  return false;
};
