import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { JsonObject } from '../../src/providers/chat-form.ts';
import { adaptedText, dropField, fieldsOf, setField } from '../../src/providers/json-text.ts';

const space = fc.constantFrom('', ' ', '\n', '\t', '\r\n ', '  ');
const name = fc.oneof(fc.constantFrom('model', 'a"b', 'a\\', '', 'größe'), fc.string({ unit: 'binary', maxLength: 6 }));

/** An object's text in which spaces stand wherever they may, numbers are of any form and fields stand twice. */
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

describe('the text of an object', () => {
  it('is read field by field, each value being its own bytes', () => {
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

  it('is what its fields are made, and keeps the bytes of those that nobody touched', () => {
    const changes = fc.array(fc.tuple(name, fc.constantFrom('drop', 'set')), { maxLength: 4 });
    fc.assert(
      fc.property(objects, changes, ({ text }, said) => {
        // Assigning to it sets a prototype instead of a field; no dialect has a field of that name.
        fc.pre(!said.some(([key]) => key === '__proto__'));
        let wanted: JsonObject = {};
        const edited = adaptedText(text, (given) => {
          const adapted: Record<string, unknown> = { ...given };
          for (const [key, what] of said) {
            if (what === 'drop') delete adapted[key];
            else adapted[key] = { new: true };
          }
          wanted = adapted;
          return adapted;
        });
        assert.deepEqual(JSON.parse(edited), wanted);
        const touched = new Set(said.map(([key]) => key));
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

  it('keeps every other byte where a value is set', () => {
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

  it('keeps every other field where one is dropped', () => {
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

  it('is read in time that grows with its length, whatever it is made of', () => {
    const started_ms = performance.now();
    for (const value of [
      `"${'\\\\'.repeat(500_000)}"`,
      '['.repeat(5_000) + ']'.repeat(5_000),
      `"${'\\"'.repeat(500_000)}"`,
    ]) {
      assert.equal(fieldsOf(`{"a":${value},"model":1}`).length, 2);
    }
    assert.ok(performance.now() - started_ms < 2_000);
  });

  it('is edited in a time that grows with its size alone, however often a field stands', () => {
    const text = `{${'"a":1,'.repeat(200_000)}"b":2}`;
    const started_ms = performance.now();
    assert.equal(dropField(text, 'a'), '{"b":2}');
    assert.equal(setField(text, 'a', '3'), text.replaceAll(':1', ':3'));
    assert.ok(performance.now() - started_ms < 2_000);
  });
});
