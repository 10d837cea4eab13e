import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { sampleOf } from '../../src/sandbox/sample.ts';

type Schema = Record<string, unknown>;

const scalar: fc.Arbitrary<Schema> = fc.oneof(
  fc.record({ type: fc.constant('string'), minLength: fc.nat(20) }, { requiredKeys: ['type'] }),
  fc.record({ type: fc.constant('string'), maxLength: fc.nat(20) }, { requiredKeys: ['type'] }),
  fc.record({
    type: fc.constant('string'),
    format: fc.constantFrom('date', 'date-time', 'time', 'duration', 'email', 'ipv4', 'ipv6', 'uri', 'uuid'),
  }),
  fc.record({
    type: fc.constant('string'),
    pattern: fc.constantFrom('^[a-z]+$', '^[A-Z]{3}$', '^\\d+$', '^\\+\\d+$', '^#[0-9a-f]{6}$'),
  }),
  fc.record({ type: fc.constantFrom('boolean', 'null') }),
  fc.record({ enum: fc.array(fc.string(), { minLength: 1, maxLength: 3 }) }),
  fc.record({ const: fc.oneof(fc.integer(), fc.string()) }),
  fc.record(
    {
      type: fc.constantFrom('integer', 'number'),
      minimum: fc.integer({ min: -50, max: 50 }),
      multipleOf: fc.constantFrom(2, 3, 5),
    },
    { requiredKeys: ['type'] },
  ),
  fc.record(
    { type: fc.constantFrom('integer', 'number'), maximum: fc.integer({ min: -50, max: 50 }) },
    { requiredKeys: ['type'] },
  ),
  fc
    .tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 2, max: 9 }), fc.constantFrom('integer', 'number'))
    .map(([least, span, type]) => ({ type, exclusiveMinimum: least, exclusiveMaximum: least + span })),
);

const { schema } = fc.letrec<{ schema: Schema }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.record({ type: fc.constant('array'), items: tie('schema'), minItems: fc.nat(3) }),
    fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((prefixItems) => ({ type: 'array', prefixItems })),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), tie('schema'), { maxKeys: 4 }).map((properties) => ({
      type: 'object',
      properties,
      required: Object.keys(properties),
      additionalProperties: false,
    })),
    fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
    tie('schema').map((inner) => ({ $ref: '#/$defs/inner', $defs: { inner } })),
  ),
}));

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);

const assertFits = (given: Schema): void => {
  const sample = sampleOf(given);
  const validate = ajv.compile(given);
  assert.ok(
    validate(sample),
    `${JSON.stringify(sample)} for ${JSON.stringify(given)}: ${JSON.stringify(validate.errors)}`,
  );
};

// References start at the root of the schema, so only the root schema may have definitions.
const hasInnerReference = (given: Schema): boolean =>
  JSON.stringify(given).lastIndexOf('"$defs"') > 0 && given.$defs === undefined;

describe('the sample value of a JSON Schema', () => {
  it('fits any schema that tools and structured outputs use', () => {
    fc.assert(
      fc.property(
        schema.filter((given) => !hasInnerReference(given) && JSON.stringify(given).split('"$defs"').length <= 2),
        (given) => assertFits(given),
      ),
      { numRuns: 1_000 },
    );
  });

  it('fits schemas that refer to themselves, combine others, or demand unique items', () => {
    const node: Schema = {
      type: 'object',
      properties: {
        name: { type: 'string' },
        next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
        children: { type: 'array', items: { $ref: '#/$defs/node' } },
      },
      required: ['name', 'next', 'children'],
      additionalProperties: false,
    };
    const person = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
    const aged = { type: 'object', properties: { age: { type: 'integer', minimum: 18 } }, required: ['age'] };
    assertFits({ $ref: '#/$defs/node', $defs: { node } });
    assertFits({ allOf: [person, aged], unevaluatedProperties: false });
    assertFits({ type: 'array', items: { enum: ['a', 'b', 'c'] }, minItems: 3, uniqueItems: true });
    assertFits({ type: 'array', items: { type: 'integer' }, minItems: 4, uniqueItems: true });
    assertFits({ type: 'object', required: ['anything'] });
    assertFits({ type: ['string', 'null'], minLength: 3 });
  });

  it("fits a schema of Google's form, with types in capitals and limits as strings", () => {
    const given = {
      type: 'OBJECT',
      properties: {
        tags: { type: 'ARRAY', items: { type: 'STRING', enum: ['x', 'y'] }, minItems: '2' },
        count: { type: 'INTEGER', minimum: 3 },
      },
      required: ['tags', 'count'],
    };
    assert.deepEqual(sampleOf(given), { tags: ['x', 'x'], count: 3 });
  });
});
