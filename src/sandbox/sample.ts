import { isJsonObject, type Json, listOf, objectOf as objectIn } from './call.ts';
import { numberOf, stringOf, varied } from './sample-scalars.ts';

// Deeper than any schema that a person writes; a schema that refers to itself ends here.
const DEPTH_MAX = 24;
// From this depth only required values are added, so that a schema that refers to itself can end.
const SPARING_BELOW = 14;
const ITEMS_MAX = 100;

/**
 * A value that fits a JSON Schema of tools and structured output; the same for the same schema. Google's form, with
 * types in capitals and limits as strings, is read too. A `pattern` is met only if one of a few words fits it.
 */
export const sampleOf = (schema: Json): unknown => sample(schema, schema, DEPTH_MAX);

const sample = (given: unknown, root: Json, depth: number): unknown => {
  if (!isJsonObject(given) || depth === 0) return null;
  const schema = flat(given, root, depth);
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0] ?? null;
  switch (typeOf(schema, depth)) {
    case 'string':
      return stringOf(schema);
    case 'integer':
      return numberOf(schema, true);
    case 'number':
      return numberOf(schema, false);
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

const REFERENCES_MAX = 32;

/** A schema without references and alternatives: uses one alternative, and combines `allOf`. */
const flat = (given: Json, root: Json, depth: number): Json => {
  let schema = given;
  for (let turn = 0; turn < REFERENCES_MAX; turn += 1) {
    const { $ref, allOf, anyOf, oneOf, ...rest } = schema;
    if (typeof $ref === 'string') schema = merged(referred($ref, root), { ...rest, ...words({ allOf, anyOf, oneOf }) });
    else if (Array.isArray(allOf)) schema = allOf.map(objectIn).reduce(merged, { ...rest, ...words({ anyOf, oneOf }) });
    else if (Array.isArray(anyOf)) schema = merged({ ...rest, ...words({ oneOf }) }, chosen(anyOf, depth));
    else if (Array.isArray(oneOf)) schema = merged(rest, chosen(oneOf, depth));
    else return schema;
  }
  return schema;
};

/** The fields without those that are undefined. */
const words = (fields: Json): Json =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const merged = (one: Json, other: Json): Json => ({
  ...one,
  ...other,
  ...(one.properties === undefined && other.properties === undefined
    ? {}
    : { properties: { ...objectIn(one.properties), ...objectIn(other.properties) } }),
  ...(one.required === undefined && other.required === undefined
    ? {}
    : { required: [...listOf(one.required), ...listOf(other.required)] }),
});

const chosen = (options: readonly unknown[], depth: number): Json => {
  const schemas = options.map(objectIn);
  const nothing = depth < SPARING_BELOW ? schemas.find(({ type }) => type === 'null') : undefined;
  return nothing ?? schemas[0] ?? {};
};

const typeOf = (schema: Json, depth: number): string => {
  const types = (Array.isArray(schema.type) ? schema.type : [schema.type]).map((type) => String(type).toLowerCase());
  if (depth < SPARING_BELOW && types.includes('null')) return 'null';
  const [type = ''] = types;
  if (TYPES.has(type)) return type;
  if (schema.items !== undefined || schema.prefixItems !== undefined) return 'array';
  if (schema.pattern !== undefined || schema.minLength !== undefined || schema.format !== undefined) return 'string';
  return schema.minimum !== undefined || schema.maximum !== undefined ? 'number' : 'object';
};

const TYPES: ReadonlySet<string> = new Set(['string', 'integer', 'number', 'boolean', 'null', 'array', 'object']);

const arrayOf = (schema: Json, root: Json, depth: number): unknown[] => {
  const { items, prefixItems, minItems, maxItems, uniqueItems } = schema;
  const fixed = listOf(prefixItems);
  const least = Math.max(Number(minItems ?? 0), fixed.length);
  const wanted = depth < SPARING_BELOW || items === false ? least : Math.max(least, 1);
  const count = Math.min(wanted, Number(maxItems ?? ITEMS_MAX), ITEMS_MAX);
  return Array.from({ length: count }, (_, index) => {
    if (index < fixed.length) return sample(fixed[index], root, depth - 1);
    const value = sample(items, root, depth - 1);
    return uniqueItems === true ? varied(value, flat(objectIn(items), root, depth), index) : value;
  });
};

const objectOf = (schema: Json, root: Json, depth: number): Json => {
  const properties = objectIn(schema.properties);
  const required = listOf(schema.required).map(String);
  const names = depth < SPARING_BELOW ? required : [...new Set([...Object.keys(properties), ...required])];
  return Object.fromEntries(
    names.map((name) => [name, sample(properties[name] ?? schema.additionalProperties, root, depth - 1)]),
  );
};

/** The target of a JSON Pointer (RFC 6901) within the schema. */
const referred = (reference: string, root: Json): Json => {
  let at: unknown = root;
  for (const step of reference.replace(/^#\/?/, '').split('/')) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    if (step !== '') at = isJsonObject(at) ? at[name] : undefined;
  }
  return objectIn(at);
};
