import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { createLargeBodies, type LargeBodies } from '../../../src/gateway/large-bodies/large-bodies.ts';

import { fieldsOf } from '../../../src/providers/json-text.ts';

const INLINE_MAX_BYTES = 100;
const SALT = Buffer.alloc(16, 7);

describe('large bodies', () => {
  let bodies: LargeBodies;
  before(() => {
    bodies = createLargeBodies(INLINE_MAX_BYTES);
  });
  after(() => bodies.close());

  const read = async (text: string | Buffer, is_json = true) => bodies.read(Buffer.from(text), SALT, is_json);
  const sha256 = (body: Buffer) => createHash('sha256').update(SALT).update(body).digest('hex');
  const padded = (text: string) => `${text}${' '.repeat(2 * INLINE_MAX_BYTES)}`;

  it('give the same result inline and in a worker thread: bytes, commitment, text, value or refusal', async () => {
    for (const text of ['{"a":"ä","b":[1,{"c":null}]}', '\ufeff{"a":1}', '[', '{"a":1} x', '"\\ud800"', '7', 'nul']) {
      for (const form of [text, padded(text)]) {
        const { bytes, commitment, json, refusal } = await read(form);
        assert.deepEqual(bytes, Buffer.from(form));
        assert.equal(commitment, sha256(Buffer.from(form)));
        const bare = form.replace(/^\ufeff/, '');
        let value: unknown;
        try {
          value = JSON.parse(bare);
        } catch {
          assert.equal(json, null, form);
          assert.equal(refusal?.code, 'malformed_json', form);
          continue;
        }
        assert.deepEqual([json?.text, json?.value], [bare, value]);
        const is_searched = form !== text && bare.startsWith('{');
        assert.deepEqual(json?.fields, is_searched ? fieldsOf(bare) : null);
        assert.equal(refusal, null);
      }
    }
    for (const bytes of [Buffer.from([0xff]), Buffer.alloc(2 * INLINE_MAX_BYTES, 0xff)]) {
      const { refusal, commitment } = await read(bytes);
      assert.deepEqual([refusal?.code, refusal?.details], ['malformed_json', 'The body is not UTF-8.']);
      assert.equal(commitment, sha256(bytes));
    }
  });

  it('are not parsed unless they are JSON', async () => {
    for (const bytes of [Buffer.alloc(10, 1), Buffer.alloc(2 * INLINE_MAX_BYTES, 1)]) {
      const result = await read(bytes, false);
      assert.deepEqual([result.bytes, result.json, result.refusal], [bytes, null, null]);
    }
  });

  it('are refused before parsing if they nest too deeply or have too many values', async () => {
    for (const [text, details] of [
      [`${'['.repeat(501)}${' '.repeat(1_000)}`, /more than 500 levels deep/],
      [`[${'{},'.repeat(300_001)}`, /more than 300000 objects and lists/],
      [`[${'0,'.repeat(500_001)}`, /more than 500000 values/],
    ] as const) {
      const { refusal } = await read(text);
      assert.equal(refusal?.code, 'invalid_request');
      assert.match(refusal.details!, details);
    }
    const { refusal } = await read(`["${'[{,'.repeat(400_000)}\\"", 1]`);
    assert.equal(refusal, null, 'characters in a text are no values');
  });

  it('are searched for personal data off the event loop, as small prompts are on it', async () => {
    for (const length of [0, 2 * INLINE_MAX_BYTES]) {
      assert.deepEqual(await bodies.detect(`MRN 0012345${' '.repeat(length)}`), ['PHI']);
    }
  });

  it('leave the event loop to other calls while they are read and searched', async () => {
    const text = JSON.stringify({ a: 'DE11 '.repeat(400_000) });
    for (const work of [() => read(text), async () => bodies.detect(text)]) {
      let is_done = false;
      let turns = 0;
      const done = work().finally(() => {
        is_done = true;
      });
      while (!is_done) {
        turns += 1;
        await setImmediate();
      }
      await done;
      assert.ok(turns > 10, `the event loop turned ${turns} times`);
    }
  });

  it('are refused when too many wait for a worker thread', async () => {
    const waiting = await Promise.allSettled(Array.from({ length: 200 }, () => read(padded('1'))));
    const refused = waiting.filter((each) => each.status === 'rejected');
    assert.ok(refused.length > 0 && refused.length < 200, `${refused.length} were refused`);
    for (const { reason } of refused) assert.equal((reason as { code: string }).code, 'overloaded');
    assert.equal((await read(padded('1'))).refusal, null);
  });
});
