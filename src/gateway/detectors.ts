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

const hasEmail = (text: string): boolean =>
  text.includes('@') && /[\w.+-]{1,64}@[\w-]{1,63}(\.[\w-]{1,63}){1,8}/.test(text);

/** A US social security number in a form and range that is issued (SSA, "Randomization", 2011). */
const hasSocialSecurityNumber = (text: string): boolean =>
  /\b(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b/.test(text);

/** A medical record number or a National Provider Identifier beside its name (45 CFR 164.514(b)(2), 162.406). */
const hasHealthData = (text: string): boolean => {
  if (/\b(?:MRN|medical record (?:number|no\.?))\W{0,3}\d{5,}/i.test(text)) return true;
  return anyMatch(text, /\bNPI\W{0,3}(\d{10})\b/gi, ([, digits = '']) => passesLuhn(`80840${digits}`));
};

const hasCardNumber = (text: string): boolean =>
  anyMatch(text, /\b\d(?:[ -]?\d){12,18}\b/g, ([match]) => passesLuhn(match.replace(/[ -]/g, '')));

/** ISO 13616: the rotated number, letters as two digits, leaves 1 modulo 97. */
const hasIban = (text: string): boolean =>
  anyMatch(text, /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b/g, ([match]) => {
    const iban = match.replaceAll(' ', '');
    const digits = `${iban.slice(4)}${iban.slice(0, 4)}`.replace(/[A-Z]/g, (letter) =>
      String(letter.charCodeAt(0) - 55),
    );
    return BigInt(digits) % 97n === 1n;
  });

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
