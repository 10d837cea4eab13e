import { isJsonObject, type Json } from './call.ts';

// Deep enough for any schema that a person writes; a schema that refers to itself ends here.
const DEPTH_MAX = 12;

/** A value that fits a JSON Schema of the kind used for tools and structured output; the same for the same schema. */
export const sampleOf = (schema: Json): unknown => sample(schema, schema, DEPTH_MAX);

const sample = (schema: unknown, root: Json, depth: number): unknown => {
  if (!isJsonObject(schema) || depth === 0) return null;
  if (typeof schema.$ref === 'string') return sample(referred(schema.$ref, root), root, depth - 1);
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0] ?? null;
  for (const word of ['anyOf', 'oneOf', 'allOf']) {
    const options = schema[word];
    if (Array.isArray(options) && options.length > 0) return sample(options[0], root, depth - 1);
  }
  const type: unknown = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case 'string':
      return stringOf(schema);
    case 'integer':
    case 'number':
      return numberOf(schema);
    case 'boolean':
      return true;
    case 'null':
      return null;
    case 'array':
      return arrayOf(schema, root, depth);
    default:
      return objectOf(schema, root, depth);
  }
};

const FORMATS: Readonly<Record<string, string | undefined>> = {
  date: '2026-01-01',
  'date-time': '2026-01-01T00:00:00Z',
  email: 'sandbox@example.com',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
};

const stringOf = (schema: Json): string => {
  const known = typeof schema.format === 'string' ? FORMATS[schema.format] : undefined;
  const text = known ?? 'sandbox';
  return typeof schema.minLength === 'number' ? text.padEnd(Math.min(schema.minLength, 10_000), '.') : text;
};

const numberOf = (schema: Json): number => {
  const { minimum, exclusiveMinimum, maximum } = schema;
  if (typeof minimum === 'number') return minimum;
  if (typeof exclusiveMinimum === 'number') return exclusiveMinimum + 1;
  return typeof maximum === 'number' && maximum < 1 ? maximum : 1;
};

const arrayOf = (schema: Json, root: Json, depth: number): unknown[] => {
  const least = typeof schema.minItems === 'number' ? schema.minItems : 1;
  return Array.from({ length: Math.min(Math.max(least, 1), 100) }, () =>
    sample(schema.items, root, depth - 1),
  );
};

const objectOf = (schema: Json, root: Json, depth: number): Json => {
  const properties = isJsonObject(schema.properties) ? schema.properties : {};
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, sample(property, root, depth - 1)]),
  );
};

const referred = (reference: string, root: Json): unknown => {
  let at: unknown = root;
  for (const step of reference.replace(/^#\/?/, '').split('/')) {
    if (step !== '' && isJsonObject(at)) at = at[step];
  }
  return at;
};
