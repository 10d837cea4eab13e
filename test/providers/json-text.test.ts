import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { JsonObject } from '../../src/providers/chat-form.ts';
import { adaptedText, dropField, fieldsOf, setField } from '../../src/providers/json-text.ts';
import { assertLinearTime } from '../support/growth.ts';

// Bounds a hang only.
const HANG_MS = 120_000;

const space = fc.constantFrom('', ' ', '\n', '\t', '\r\n ', '  ');
const name = fc.oneof(fc.constantFrom('model', 'a"b', 'a\\', '', 'größe'), fc.string({ unit: 'binary', maxLength: 6 }));

/** Text of an object with spaces at all possible places, numbers of any form and duplicate fields. */
const objects = fc
  .record({
    fields: fc.array(
      fc.tuple(
        name,
        fc.oneof(
          fc.jsonValue().map((value) => JSON.stringify(value)),
          fc.constantFrom('1.0', '1e2', '12345678901234567890', '"\\u00e9\\\\"', '"\\\\\\""'),
        ),
        space,
      ),
      { maxLength: 6 },
    ),
    before: space,
    between: space,
  })
  .map(({ fields, before, between }) => {
    const inner = fields.map(
      ([key, value, after]) => `${after}${JSON.stringify(key)}${between}:${after}${value}${between}`,
    );
    return { fields, text: `${before}{${inner.join(',')}${between}}${before}` };
  });

describe('the JSON text of an object', () => {
  it('is split into fields, each with the bytes of its value', () => {
    fc.assert(
      fc.property(objects, ({ fields, text }) => {
        const found = fieldsOf(text);
        assert.deepEqual(
          found.map(({ name: key, from, to }) => [key, text.slice(from, to)]),
          fields.map(([key, value]) => [JSON.parse(JSON.stringify(key)), value]),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('contains the adapted fields, and keeps the bytes of unchanged ones', () => {
    const changes = fc.array(fc.tuple(name, fc.constantFrom('drop', 'set')), { maxLength: 4 });
    fc.assert(
      fc.property(objects, changes, ({ text }, edits) => {
        // An assignment to it sets the prototype instead of a field; no provider has a field of that name.
        fc.pre(!edits.some(([key]) => key === '__proto__'));
        let wanted: JsonObject = {};
        const edited = adaptedText(text, (given) => {
          const adapted: Record<string, unknown> = { ...given };
          for (const [key, edit] of edits) {
            if (edit === 'drop') delete adapted[key];
            else adapted[key] = { new: true };
          }
          wanted = adapted;
          return adapted;
        });
        assert.deepEqual(JSON.parse(edited), wanted);
        const touched = new Set(edits.map(([key]) => key));
        const kept = (of: string) =>
          fieldsOf(of)
            .filter((field) => !touched.has(field.name))
            .map(({ name: key, from, to }) => [key, of.slice(from, to)]);
        assert.deepEqual(kept(edited), kept(text));
      }),
      { numRuns: 500 },
    );
    assert.equal(
      adaptedText('{ "a" : 1.0 }', (given) => given),
      '{ "a" : 1.0 }',
    );
  });

  it('keeps every other byte when a value is set', () => {
    fc.assert(
      fc.property(objects, name, ({ text }, key) => {
        const edited = setField(text, key, '"new"');
        const expected: unknown = { ...JSON.parse(text), [key]: 'new' };
        assert.deepEqual(JSON.parse(edited), key === '__proto__' ? JSON.parse(edited) : expected);
        const before = fieldsOf(text);
        const others = (of: string, found: typeof before) =>
          found.filter((field) => field.name !== key).map(({ from, to }) => of.slice(from, to));
        assert.deepEqual(others(edited, fieldsOf(edited)), others(text, before));
        assert.ok(
          fieldsOf(edited).every((field) => field.name !== key || edited.slice(field.from, field.to) === '"new"'),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('keeps every other field when one is dropped', () => {
    fc.assert(
      fc.property(objects, fc.nat(6), ({ fields, text }, at) => {
        const key = fields[at]?.[0] ?? 'none';
        const edited = dropField(text, key);
        JSON.parse(edited);
        assert.deepEqual(
          fieldsOf(edited).map((field) => [field.name, edited.slice(field.from, field.to)]),
          fields.filter(([other]) => other !== key).map(([other, value]) => [other, value]),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('is read in time proportional to its length, whatever it contains', async () => {
    for (const contentOf of [
      (size: number) => `"${'\\\\'.repeat(size)}"`,
      (size: number) => `"${'\\"'.repeat(size)}"`,
      (size: number) => '['.repeat(size) + ']'.repeat(size),
    ]) {
      const textOf = prepared((size) => `{"a":${contentOf(size)},"model":1}`);
      await assertLinearTime((size) => assert.equal(fieldsOf(textOf(size)).length, 2), 200_000);
    }
  }).timeout(HANG_MS);

  it('is edited in time proportional to its length, however often a field appears', async () => {
    const textOf = prepared((size) => `{${'"a":1,'.repeat(size)}"b":2}`);
    await assertLinearTime((size) => {
      assert.equal(dropField(textOf(size), 'a'), '{"b":2}');
      assert.equal(setField(textOf(size), 'a', '3').length, textOf(size).length);
    }, 40_000);
    assert.equal(setField(textOf(1_000), 'a', '3'), textOf(1_000).replaceAll(':1', ':3'));
  }).timeout(HANG_MS);
});

/** Makes each text once and outside the measured time. */
const prepared = (textOf: (size: number) => string): ((size: number) => string) => {
  const texts = new Map<number, string>();
  return (size) => {
    // Encoding flattens the text, which a repeated text is not.
    if (!texts.has(size)) texts.set(size, Buffer.from(textOf(size)).toString());
    return texts.get(size)!;
  };
};
