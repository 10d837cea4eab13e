import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import type { SealContext } from '../../src/keys/contract.ts';
import { keyIdOf, openWith, sealWith, UnsealError } from '../../src/keys/sealed.ts';
import { HERE, nextId } from './key-fixture.ts';

const key = randomBytes(32);
const key_id = nextId();

// Texts that would be ambiguous if the parts were only concatenated.
const part = fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom('', 'a', 't1:a', 'n0:', '\0', 'ä', 'ä'));
const context: fc.Arbitrary<SealContext> = fc
  .tuple(part, fc.option(part), part, fc.option(part, { nil: undefined }))
  .map(([table, tenant, row, column]) => ({
    table,
    tenant,
    row,
    ...(column === undefined ? {} : { column }),
  }));

describe('a sealed value', () => {
  it('opens in its place to the sealed plaintext, whatever that is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), context, (plaintext, place) => {
        const sealed = sealWith(key, key_id, plaintext, place);
        assert.deepEqual(openWith(key, sealed, place), Buffer.from(plaintext));
        assert.equal(sealed.length, plaintext.length + 45);
        assert.equal(keyIdOf(sealed, place), key_id);
      }),
    );
    const large = randomBytes(5_000_000);
    assert.ok(openWith(key, sealWith(key, key_id, large, HERE), HERE).equals(large));
  });

  it('opens in no other table, tenant, row or column, however similar their names are', () => {
    fc.assert(
      fc.property(context, context, (mine, other) => {
        fc.pre(JSON.stringify(mine) !== JSON.stringify(other));
        const sealed = sealWith(key, key_id, Buffer.from('secret'), mine);
        assert.throws(() => openWith(key, sealed, other), UnsealError);
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not open after any bit was changed, or when it was cut or extended', () => {
    const sealed = sealWith(key, key_id, Buffer.from('a secret of some length'), HERE);
    const attempt = (bytes: Buffer) => {
      keyIdOf(bytes, HERE);
      openWith(key, bytes, HERE);
    };
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      assert.throws(() => attempt(changed), UnsealError, `bit ${bit}`);
    }
    for (let length = 0; length < sealed.length; length += 1) {
      assert.throws(() => attempt(sealed.subarray(0, length)), UnsealError, `cut to ${length}`);
    }
    assert.throws(() => attempt(Buffer.concat([sealed, Buffer.alloc(1)])), UnsealError);
  });

  it('does not open with another key', () => {
    const sealed = sealWith(key, key_id, Buffer.from('secret'), HERE);
    assert.throws(() => openWith(randomBytes(32), sealed, HERE), UnsealError);
  });

  it('differs each time, and contains nothing of its plaintext', () => {
    const plaintext = Buffer.alloc(64, 'personal');
    const all = Array.from({ length: 1_000 }, () => sealWith(key, key_id, plaintext, HERE));
    assert.equal(new Set(all.map((sealed) => sealed.subarray(17, 29).toString('hex'))).size, 1_000);
    assert.equal(
      all.some((sealed) => sealed.includes('personal')),
      false,
    );
  });

  it('is named in its error by table and column only', () => {
    const sealed = sealWith(key, key_id, Buffer.from('hidden'), HERE);
    sealed[40]! ^= 1;
    assert.throws(() => openWith(key, sealed, HERE), {
      name: 'UnsealError',
      message:
        'A sealed value of customer_pii_s.pii cannot be opened: its bytes were changed, or it belongs to another row, column or tenant.',
    });
    assert.throws(() => keyIdOf(Buffer.from('plain text, never sealed, of some fifty bytes here'), HERE), {
      message: 'A sealed value of customer_pii_s.pii cannot be opened: its format is 112, but only 1 is supported.',
    });
  });
});
