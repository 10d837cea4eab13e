import assert from 'node:assert/strict';
import fc from 'fast-check';
import { duplicateFields } from '../../src/http/duplicate-fields.ts';

describe('the search for duplicate fields', () => {
  it('finds each field that appears twice in one object, in any spelling, and its place', () => {
    for (const [text, paths] of [
      ['{"a":1,"a":2}', ['/a']],
      ['{"a":1,"\\u0061":2}', ['/a']],
      ['{"a":{"b":1,"b":2},"c":[{"d":1},{"d":1,"d":2}]}', ['/a/b', '/c/1/d']],
      ['{"a/b":1,"~":{"x":1,"x":2},"a/b":2}', ['/~0/x', '/a~1b']],
      ['{"a":"b","c":"a"}', []],
      ['{"a":"\\"a\\":1,\\"a\\"","b":"{\\"a\\":"}', []],
      ['[{"a":1},{"a":1}]', []],
      ['"a"', []],
      ['{"":1,"":2}', ['/']],
    ] as const) {
      assert.deepEqual(
        duplicateFields(text).map(({ path }) => path),
        paths,
        text,
      );
    }
  });

  it('finds none in the output of JSON.stringify', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => assert.deepEqual(duplicateFields(JSON.stringify(value)), [])));
  });

  it('walks deep nesting without recursion', () => {
    const text = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
    assert.deepEqual(duplicateFields(text), []);
  });
});
