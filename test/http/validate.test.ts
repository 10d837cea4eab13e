import assert from 'node:assert/strict';
import { OneVaultError } from '../../src/core/errors.ts';
import { createValidator } from '../../src/http/validate.ts';

const validate = createValidator<object>({
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: { type: 'string' },
    tier: { enum: ['a', 'b'] },
    list: {
      type: 'array',
      items: { type: 'object', required: ['x'], properties: { x: { type: 'integer' } } },
    },
    when: { type: 'string', format: 'date-time' },
    some: { type: 'object', minProperties: 1 },
  },
});

describe('a validator of bodies', () => {
  it('returns a valid body unchanged', () => {
    const value = { name: 'n', list: [{ x: 1, more: true }] };
    assert.equal(validate(value), value);
  });

  for (const [value, param, details] of [
    [7, null, 'The body must be object.'],
    [{}, 'name', 'name is missing.'],
    [{ name: 7 }, 'name', 'name must be string.'],
    [{ name: 'n', tier: 'c' }, 'tier', 'tier must be equal to one of the allowed values: a, b.'],
    [{ name: 'n', list: [{ x: 1 }, {}] }, 'list[1].x', 'list[1].x is missing.'],
    [{ name: 'n', list: [{ x: 1.5 }] }, 'list[0].x', 'list[0].x must be integer.'],
    [{ name: 'n', other: 1 }, 'other', 'other is not a field; there are: name, tier, list, when, some.'],
    [{ name: 'n', some: {} }, 'some', 'some must have at least 1 of its fields.'],
    [{ name: 'n', when: 'now' }, 'when', 'when must match format "date-time".'],
  ] as const) {
    it(`reports the place and the fault of ${JSON.stringify(value)}`, () => {
      assert.throws(
        () => validate(value),
        (error) => {
          assert.ok(error instanceof OneVaultError);
          assert.equal(error.code, 'invalid_request');
          assert.equal(error.param, param);
          assert.equal(error.details, details);
          return true;
        },
      );
    });
  }
});
