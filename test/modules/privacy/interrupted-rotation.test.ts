import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import type { Kms, WrappedKey } from '../../../src/keys/kms.ts';
import { type RotationInput, rotateKeys } from '../../../src/keys/rotate-keys.ts';
import type { PrivacyDeps } from '../../../src/modules/privacy/deps.ts';
import { eraseSubject } from '../../../src/modules/privacy/erasures.ts';
import { createCrasher } from '../../keys/crash-fixture.ts';
import { fileKms, keyFolder } from '../../keys/key-fixture.ts';
import { createTestDatabase } from '../../support/database.ts';
import { STRIDE } from '../../support/stride.ts';
import { decider, newSubject, privacyDeps } from './privacy-fixture.ts';

describe('an erasure after a rotation that was interrupted', () => {
  /** A rotation that dies after a step. @returns whether it had such a step, and the copies that it made of the key */
  const rotateUntil = async ({ sql, clock, nextId, subject_kms }: PrivacyDeps, key_id: string, step: number) => {
    const copies: WrappedKey[] = [];
    const { kms } = subject_kms;
    const recording: Kms = {
      ...kms,
      rewrap: async (wrapped, place) => {
        const fresh = await kms.rewrap(wrapped, place);
        if (place.key_id === key_id) copies.push(fresh);
        return fresh;
      },
    };
    const crasher = createCrasher(sql, recording, step, 'after');
    let is_over = false;
    const complete: RotationInput['complete'] = async (_, finish) => {
      await crasher.sql.begin(finish);
      is_over = true;
    };
    const input = { keep_old: false, complete };
    await rotateKeys({ sql: crasher.sql, kms: crasher.kms, clock, nextId }, input).catch(() => undefined);
    return { is_over, copies };
  };

  /** One death and one erasure in a database of its own. @returns as `rotateUntil` */
  const interruptAt = async (step: number) => {
    const database = await createTestDatabase();
    const { folder, path } = keyFolder();
    try {
      const deps = privacyDeps(database, fileKms(path));
      const { subject, backup, place } = await newSubject(deps);
      const made = await rotateUntil(deps, place.key_id, step);
      const { certificate } = await eraseSubject(deps, { subject, reason: 'Art. 17 request' }, decider);
      assert.equal(certificate.copies.status, 'worthless', `step ${step}`);
      for (const copy of [backup, ...made.copies]) {
        const opening = deps.subject_kms.kms.unwrap(copy, place);
        await assert.rejects(opening, /is not at hand/, `step ${step}: a copy under ${copy.master_key_id}`);
      }
      return made;
    } finally {
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    }
  };

  it('leaves no usable copy of the key, at whatever step the rotation died', async () => {
    const numbers = new Set<number>();
    for (let step = 1; ; step += STRIDE) {
      assert.ok(step < 60, 'the rotation has an end');
      const { is_over, copies } = await interruptAt(step);
      numbers.add(copies.length);
      if (is_over) break;
    }
    assert.deepEqual([...numbers], [0, 1], 'it died before the key was wrapped anew, and after');
  }).timeout(600_000);
});
