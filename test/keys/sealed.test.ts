import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import type { SealContext } from '../../src/keys/contract.ts';
import { keyIdOf, openWith, sealWith, UnsealError } from '../../src/keys/sealed.ts';
import { HERE, nextId } from './key-fixture.ts';

const key = randomBytes(32);
const key_id = nextId();

// Texts that are made to reach into their neighbours, when parts are only put one after the other.
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
  it('opens to what was sealed, whatever it is, in its place', () => {
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

  it('opens in no other table, tenant, row or column, however alike their names are', () => {
    fc.assert(
      fc.property(context, context, (mine, other) => {
        fc.pre(JSON.stringify(mine) !== JSON.stringify(other));
        const sealed = sealWith(key, key_id, Buffer.from('secret'), mine);
        assert.throws(() => openWith(key, sealed, other), UnsealError);
      }),
      { numRuns: 2_000 },
    );
  });

  it('opens no more when any bit of it is another, or when it is cut or longer', () => {
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

  it('opens with no other key', () => {
    const sealed = sealWith(key, key_id, Buffer.from('secret'), HERE);
    assert.throws(() => openWith(randomBytes(32), sealed, HERE), UnsealError);
  });

  it('is another one each time, and holds nothing of what is in it', () => {
    const plaintext = Buffer.alloc(64, 'personal');
    const all = Array.from({ length: 1_000 }, () => sealWith(key, key_id, plaintext, HERE));
    assert.equal(new Set(all.map((sealed) => sealed.subarray(17, 29).toString('hex'))).size, 1_000);
    assert.equal(
      all.some((sealed) => sealed.includes('personal')),
      false,
    );
  });

  it('says in its error which table and column it is of, and nothing else that it knows', () => {
    const sealed = sealWith(key, key_id, Buffer.from('hidden'), HERE);
    sealed[40]! ^= 1;
    assert.throws(() => openWith(key, sealed, HERE), {
      name: 'UnsealError',
      message:
        'A sealed value of customer_pii_s.pii cannot be opened: its bytes were changed, or it belongs to another row, column or tenant.',
    });
    assert.throws(() => keyIdOf(Buffer.from('plain text, never sealed, of some fifty bytes here'), HERE), {
      message:
        'A sealed value of customer_pii_s.pii cannot be opened: its form is 112, and 1 is the one that is known here.',
    });
  });
});
