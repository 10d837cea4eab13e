import type { JsonObject } from '../chat-form.ts';
import { isObject } from '../json.ts';
import type { UnsupportedFields } from '../unsupported-fields.ts';

// https://ai.google.dev/gemini-api/docs/structured-output#json_schema_support: keywords that Google enforces.
const ENFORCED: ReadonlySet<string> = new Set([
  '$anchor',
  '$id',
  '$ref',
  'additionalProperties',
  'enum',
  'format',
  'items',
  'maxItems',
  'maximum',
  'minItems',
  'minimum',
  'prefixItems',
  'propertyOrdering',
  'required',
  'type',
]);

// Annotations for readers, which restrict no value.
const ANNOTATIONS: ReadonlySet<string> = new Set([
  '$comment',
  '$schema',
  'default',
  'deprecated',
  'description',
  'example',
  'examples',
  'readOnly',
  'title',
  'writeOnly',
]);

const MAPS: ReadonlySet<string> = new Set(['$defs', 'definitions', 'properties']);
const LISTS: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'prefixItems']);
const ONES: ReadonlySet<string> = new Set(['additionalProperties', 'items']);

/**
 * A JSON Schema that a client wants to be enforced, as far as Google enforces one. Google would ignore an unknown
 * keyword, so it is reported as unsupported.
 * @param param the schema's path
 */
export const keptSchema = (schema: JsonObject, param: string, unsupported: UnsupportedFields): JsonObject => {
  const kept: Record<string, unknown> = {};
  for (const [word, value] of Object.entries(schema)) {
    const at = `${param}.${word}`;
    if (MAPS.has(word) && isObject(value)) {
      kept[word] = Object.fromEntries(
        Object.entries(value).map(([name, each]) => [name, within(each, `${at}.${name}`, unsupported)]),
      );
    } else if (LISTS.has(word) && Array.isArray(value)) {
      kept[word] = value.map((each: unknown, index) => within(each, `${at}[${index}]`, unsupported));
    } else if (ONES.has(word)) {
      kept[word] = within(value, at, unsupported);
    } else if (ENFORCED.has(word) || ANNOTATIONS.has(word)) {
      kept[word] = value;
    } else if (word === 'const' && (typeof value === 'string' || typeof value === 'number')) {
      kept.enum = [value];
    } else {
      unsupported.add(at, `Google does not enforce "${word}" of a schema`);
    }
  }
  return kept;
};

const within = (schema: unknown, param: string, unsupported: UnsupportedFields): unknown =>
  isObject(schema) ? keptSchema(schema, param, unsupported) : schema;
