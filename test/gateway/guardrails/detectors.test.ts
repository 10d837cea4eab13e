import assert from 'node:assert/strict';
import fc from 'fast-check';
import { detectFlags } from '../../../src/gateway/guardrails/detectors.ts';
import { assertLinearTime } from '../../support/growth.ts';

/** Luhn sum of ISO/IEC 7812-1, from the left; the code under test counts from the right. */
const luhnSum = (digits: string): number =>
  [...digits].reduce((sum, sign, index) => {
    const value = Number(sign) * ((digits.length - index) % 2 === 0 ? 2 : 1);
    return sum + Math.floor(value / 10) + (value % 10);
  }, 0);

const digitsOf = (length: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: length, maxLength: length }).map((digits) => digits.join(''));

const card = fc
  .integer({ min: 12, max: 18 })
  .chain(digitsOf)
  .map((digits) => `${digits}${(10 - (luhnSum(`${digits}0`) % 10)) % 10}`);

const iban = fc
  .record({
    country: fc.constantFrom('DE', 'FR', 'GB', 'NO', 'MT', 'CH'),
    account: fc.stringMatching(/^[A-Z0-9]{11,28}$/),
  })
  .map(({ country, account }) => {
    const digits = `${account}${country}00`.replace(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55));
    const check = String(98n - (BigInt(digits) % 97n)).padStart(2, '0');
    return `${country}${check}${account}`;
  });

const inFours = (text: string, separator: string): string => text.match(/.{1,4}/g)!.join(separator);

/** Replaces one digit. */
const altered = (text: string, place: number, by: number): string => {
  const at = place % text.length;
  if (!/\d/.test(text[at]!)) return text;
  return `${text.slice(0, at)}${(Number(text[at]) + by) % 10}${text.slice(at + 1)}`;
};

describe('the compliance detectors', () => {
  it('find every card number with a valid checksum, in one piece or in groups, between other numbers', () => {
    fc.assert(
      fc.property(card, fc.constantFrom('', ' ', '-'), (number, separator) => {
        const written = separator === '' ? number : inFours(number, separator);
        for (const text of [written, `card ${written}.`, `7 ${written} 12/27`, `(${written}) CVC 123`]) {
          assert.ok(detectFlags(text).includes('CARD'), text);
        }
      }),
    );
  });

  it('find no card number with one wrong digit', () => {
    fc.assert(
      fc.property(card, fc.nat(), fc.integer({ min: 1, max: 9 }), (number, place, by) => {
        assert.ok(!detectFlags(`card ${altered(number, place, by)}.`).includes('CARD'));
      }),
    );
  });

  it('find no card number in a longer run of digits or in a word', () => {
    fc.assert(
      fc.property(card, (number) => {
        assert.ok(!detectFlags(`x${number}`).includes('CARD'));
        assert.ok(!detectFlags(`${number}x`).includes('CARD'));
        assert.ok(!detectFlags(`${number}${'0'.repeat(20 - number.length)}`).includes('CARD'));
      }),
    );
  });

  it('find every IBAN with a valid checksum, also before words in capitals', () => {
    fc.assert(
      fc.property(iban, (number) => {
        for (const written of [number, inFours(number, ' ')]) {
          for (const text of [written, `Pay to ${written}, please`, `AB12 ${written} NOW OR NEVER`]) {
            assert.ok(detectFlags(text).includes('PII'), text);
          }
        }
      }),
    );
  });

  it('find no IBAN with one wrong digit', () => {
    fc.assert(
      fc.property(iban, fc.nat(), fc.integer({ min: 1, max: 9 }), (number, place, by) => {
        const wrong = altered(number, place, by);
        if (wrong !== number) assert.ok(!detectFlags(`pay to ${wrong}`).includes('PII'));
      }),
    );
  });

  it('find e-mail addresses, social security numbers, record numbers and provider identifiers', () => {
    for (const [text, flags] of [
      ['mail jane.doe+x@mail.example.org', ['PII']],
      ['a@b.c', ['PII']],
      ['SSN 123-45-6789', ['PII']],
      ['MRN: 0012345', ['PHI']],
      ['medical record number 12345', ['PHI']],
      ['NPI 1234567893', ['PHI']],
    ] as const) {
      assert.deepEqual(detectFlags(text), flags, text);
    }
  });

  it('ignore texts that only look like personal data', () => {
    for (const text of [
      '@ home',
      'user@localhost',
      '@types/node',
      '000-12-3456',
      '666-12-3456',
      '900-12-3456',
      '123-00-4567',
      '123-45-0000',
      'MRN 1234',
      'NPI 1234567890',
      '1234 5678 9012 3456',
      'DE00 0000',
      '',
    ]) {
      assert.deepEqual(detectFlags(text), [], text);
    }
  });

  it('skip base64 of at least 1,024 characters, search the text around it, and say so', () => {
    const file = Buffer.alloc(9_000, 'MRN 0012345 ').toString('base64');
    const hidden = `${'A'.repeat(1_024)}/4111111111111111/`;
    for (const [text, flags] of [
      [`data:image/png;base64,${file} and MRN 0012345, card 4111 1111 1111 1111`, ['PHI', 'CARD', 'UNSCANNED']],
      [`a@b.c ${file}== ${file} MRN 0012345`, ['PHI', 'PII', 'UNSCANNED']],
      [`${'A'.repeat(511)} ${'A'.repeat(1_024)} MRN 0012345`, ['PHI', 'UNSCANNED']],
      [hidden, ['UNSCANNED']],
      [`${'A'.repeat(1_023)} ${'0'.repeat(1_023)} MRN 0012345`, ['PHI']],
    ] as const) {
      assert.deepEqual(detectFlags(text), flags, text.slice(0, 80));
    }
  });

  it('find a number at any position in a run of groups', () => {
    for (const lead of ['', '1 ', '12-34 ', '1'.repeat(70), `${'1 '.repeat(200)}`, `${'12 '.repeat(99)}1`]) {
      for (const [number, flag] of [
        ['4111 1111 1111 1111', 'CARD'],
        ['DE89 3704 0044 0532 0130 00', 'PII'],
      ] as const) {
        assert.ok(detectFlags(`${lead} ${number} 5`).includes(flag), `${lead} ${number}`);
      }
    }
    assert.ok(detectFlags(`${'DE11 '.repeat(999)}DE89 3704 0044 0532 0130 00 NOW`).includes('PII'));
  });

  it('take a time that grows linearly with the text, whatever the text contains', async () => {
    for (const piece of [
      'a',
      'a.',
      '1',
      '12 ',
      'AA11 ',
      'MRN ',
      'a@',
      '@a.',
      '1-',
      '1 ',
      'DE11 ',
      `DE11${' A'.repeat(30)} `,
    ]) {
      await assertLinearTime((size) => detectFlags(`${piece.repeat(size / piece.length)}@ 12`), 200_000);
    }
  });
});
