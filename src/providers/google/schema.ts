import type { JsonObject } from '../chat-form.ts';
import { isObject } from '../json.ts';
import type { UnsupportedFields } from '../unsupported-fields.ts';

// https://ai.google.dev/gemini-api/docs/structured-output#json_schema_support: what Google holds a reply to.
const HELD: ReadonlySet<string> = new Set([
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

// They say something to readers, and bind no value.
const REMARKS: ReadonlySet<string> = new Set([
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
 * A JSON Schema that a client wants kept to the letter, as far as Google keeps one. A word that it does not know is
 * lost: it would be passed over.
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
    } else if (HELD.has(word) || REMARKS.has(word)) {
      kept[word] = value;
    } else if (word === 'const' && (typeof value === 'string' || typeof value === 'number')) {
      kept.enum = [value];
    } else {
      unsupported.add(at, `Google holds no reply to "${word}" of a schema`);
    }
  }
  return kept;
};

const within = (schema: unknown, param: string, unsupported: UnsupportedFields): unknown =>
  isObject(schema) ? keptSchema(schema, param, unsupported) : schema;
