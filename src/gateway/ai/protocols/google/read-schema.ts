import type { JsonObject } from '../../../../providers/chat-form.ts';
import { isObject } from '../../../../providers/json.ts';

// Numbers that Google writes as strings, because they have 64 bits.
const COUNTS: ReadonlySet<string> = new Set([
  'maxItems',
  'minItems',
  'maxLength',
  'minLength',
  'maxProperties',
  'minProperties',
]);

// Handled apart or without a meaning elsewhere: the order of fields, and the mark of a list of words.
const DROPPED: ReadonlySet<string> = new Set(['propertyOrdering', 'property_ordering', 'nullable', 'example']);

interface Options {
  /** True if objects allow only the named fields, as in Google's responses. */
  readonly is_closed: boolean;
}

/** Converts a schema in Google's form (OpenAPI 3.0) to a JSON Schema. */
export const jsonSchemaOf = (schema: JsonObject, options: Options): JsonObject => {
  const out: Record<string, unknown> = {};
  for (const [given, value] of Object.entries(schema)) {
    const word = given === 'any_of' ? 'anyOf' : given;
    if (DROPPED.has(word) || (word === 'format' && value === 'enum')) continue;
    if (word === 'type' && typeof value === 'string') out.type = value.toLowerCase();
    else if (word === 'properties' && isObject(value)) out.properties = propertiesOf(value, schema, options);
    else if (word === 'items' && isObject(value)) out.items = jsonSchemaOf(value, options);
    else if (word === 'anyOf' && Array.isArray(value)) out.anyOf = value.map((each) => within(each, options));
    else out[word] = COUNTS.has(word) && typeof value === 'string' ? Number(value) : value;
  }
  if (options.is_closed && isObject(out.properties)) out.additionalProperties = false;
  return schema.nullable === true ? withNull(out) : out;
};

const within = (schema: unknown, options: Options): unknown =>
  isObject(schema) ? jsonSchemaOf(schema, options) : schema;

/** Properties in the requested order: models write fields in the schema's order. */
const propertiesOf = (properties: JsonObject, schema: JsonObject, options: Options): JsonObject => {
  const order = schema.propertyOrdering ?? schema.property_ordering;
  const first = Array.isArray(order) ? order.filter((name) => Object.hasOwn(properties, String(name))) : [];
  const names = new Set([...first.map(String), ...Object.keys(properties)]);
  return Object.fromEntries([...names].map((name) => [name, within(properties[name], options)]));
};

const withNull = (schema: Readonly<Record<string, unknown>>): JsonObject =>
  typeof schema.type === 'string' && schema.enum === undefined
    ? { ...schema, type: [schema.type, 'null'] }
    : { anyOf: [schema, { type: 'null' }] };
