/*
 * Numbers that a text may write in groups. Groups with one separator between them form a run; whole groups of it,
 * joined, are a number: an expiry date or a word may follow. Each character is read once. Sums of all characters of a
 * run so far make any part of it checkable in constant time, so that the time is linear in the text.
 */

const [ZERO, NINE, CAPITAL_A, CAPITAL_Z, SPACE, HYPHEN] = [0x30, 0x39, 0x41, 0x5a, 0x20, 0x2d];
const [DIGIT, CAPITAL, OTHER_WORD] = [1, 2, 4];
const PART_OF_IBAN = DIGIT | CAPITAL;

const CLASSES = Uint8Array.from({ length: 128 }, (_, code) => {
  if (code >= ZERO && code <= NINE) return DIGIT;
  if (code >= CAPITAL_A && code <= CAPITAL_Z) return CAPITAL;
  return /\w/.test(String.fromCharCode(code)) ? OTHER_WORD : 0;
});

/** @param code NaN after the end of the text, which is in no class */
const classOf = (code: number): number => (code < 128 ? CLASSES[code]! : 0);

const isDigit = (code: number): boolean => code >= ZERO && code <= NINE;

// A power of two above the lengths of all numbers here: sums of older characters are overwritten.
const RING = 64;
const LAST = RING - 1;

const [CARD_MIN_LENGTH, CARD_MAX_LENGTH] = [13, 19];

/**
 * True if a text has a payment card number (ISO/IEC 7812-1) with a valid checksum (Luhn's formula, annex B). One sum
 * doubles the digits of even index within the run, the other those of odd index.
 */
export const hasCardNumber = (text: string): boolean => {
  const even_doubled = new Int32Array(RING);
  const odd_doubled = new Int32Array(RING);
  const starts = new Int32Array(RING);
  const { length } = text;
  for (let at = 0; at < length; at += 1) {
    let code = text.charCodeAt(at);
    if (!isDigit(code)) continue;
    let [even, odd, count, first, last] = [0, 0, 0, 0, 0];
    let is_in_run = classOf(text.charCodeAt(at - 1)) === 0;
    while (is_in_run) {
      starts[last++ & LAST] = count;
      even_doubled[count & LAST] = even;
      odd_doubled[count & LAST] = odd;
      do {
        const digit = code - ZERO;
        const doubled = digit > 4 ? digit * 2 - 9 : digit * 2;
        even += (count & 1) === 0 ? doubled : digit;
        odd += (count & 1) === 0 ? digit : doubled;
        // Modulo 10, so that equal sums mean a valid checksum between them.
        if (even >= 10) even -= 10;
        if (odd >= 10) odd -= 10;
        count += 1;
        code = text.charCodeAt(++at);
      } while (isDigit(code));
      if (classOf(code) !== 0) break;
      while (first < last && count - starts[first & LAST]! > CARD_MAX_LENGTH) first += 1;
      // The last digit is not doubled.
      const sums = (count & 1) === 0 ? even_doubled : odd_doubled;
      const sum = (count & 1) === 0 ? even : odd;
      for (let index = first; index < last; index += 1) {
        const start = starts[index & LAST]!;
        if (count - start < CARD_MIN_LENGTH) break;
        if (sums[start & LAST] === sum) return true;
      }
      is_in_run = (code === SPACE || code === HYPHEN) && isDigit(text.charCodeAt(at + 1));
      if (is_in_run) code = text.charCodeAt(++at);
    }
    while (classOf(text.charCodeAt(at)) !== 0) at += 1;
  }
  return false;
};

const [IBAN_MIN_LENGTH, IBAN_MAX_LENGTH, HEAD_LENGTH] = [15, 34, 4];
const MODULUS = 97;
// The powers of ten modulo 97 repeat after 96.
const PERIOD = 96;
const POWERS = Int32Array.from({ length: PERIOD }, (_, exponent) => Number(10n ** BigInt(exponent) % BigInt(MODULUS)));
// Two letters of two digits each, and two digits.
const HEAD_POWER = POWERS[6]!;
// A is 10, B is 11.
const LETTER_TEN = CAPITAL_A - 10;

/**
 * True if a text has an IBAN with a valid checksum (ISO 13616): with its first four characters at the end, and letters
 * as two digits, it is 1 modulo 97.
 */
export const hasIban = (text: string): boolean => {
  const rests = new Int32Array(RING);
  const digits = new Int32Array(RING);
  const starts = new Int32Array(RING);
  /** Rest of the characters from `start` to before `end`, plus a multiple of the modulus. */
  const restOf = (start: number, end: number): number => {
    const exponent = digits[end & LAST]! - digits[start & LAST]!;
    const power = POWERS[exponent < 0 ? exponent + PERIOD : exponent]!;
    return rests[end & LAST]! + MODULUS * MODULUS - rests[start & LAST]! * power;
  };
  const { length } = text;
  for (let at = 0; at < length; at += 1) {
    if (classOf(text.charCodeAt(at)) !== CAPITAL || !isHead(text, at)) continue;
    if (classOf(text.charCodeAt(at - 1)) !== 0) continue;
    let [rest, digit_count, count, first, last] = [0, 0, 0, 0, 0];
    let code = text.charCodeAt(at);
    for (let is_in_run = true; is_in_run; ) {
      if (isHead(text, at)) starts[last++ & LAST] = count;
      for (let kind = classOf(code); (kind & PART_OF_IBAN) !== 0; kind = classOf(code)) {
        rests[count & LAST] = rest;
        digits[count & LAST] = digit_count;
        rest = (kind === DIGIT ? rest * 10 + code - ZERO : rest * 100 + code - LETTER_TEN) % MODULUS;
        digit_count += kind === DIGIT ? 1 : 2;
        if (digit_count >= PERIOD) digit_count -= PERIOD;
        count += 1;
        code = text.charCodeAt(++at);
      }
      if (classOf(code) !== 0) break;
      rests[count & LAST] = rest;
      digits[count & LAST] = digit_count;
      while (first < last && count - starts[first & LAST]! > IBAN_MAX_LENGTH) first += 1;
      for (let index = first; index < last; index += 1) {
        const start = starts[index & LAST]!;
        if (count - start < IBAN_MIN_LENGTH) break;
        const head_end = start + HEAD_LENGTH;
        if ((restOf(head_end, count) * HEAD_POWER + restOf(start, head_end)) % MODULUS === 1) return true;
      }
      // Without a start in reach, the search for the next one is faster.
      is_in_run = first < last && code === SPACE && (classOf(text.charCodeAt(at + 1)) & PART_OF_IBAN) !== 0;
      if (is_in_run) code = text.charCodeAt(++at);
    }
  }
  return false;
};

/** True if the four characters from `at` on are two capitals and two digits. */
const isHead = (text: string, at: number): boolean =>
  classOf(text.charCodeAt(at + 2)) === DIGIT &&
  classOf(text.charCodeAt(at + 3)) === DIGIT &&
  classOf(text.charCodeAt(at)) === CAPITAL &&
  classOf(text.charCodeAt(at + 1)) === CAPITAL;
