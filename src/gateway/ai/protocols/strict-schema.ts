import { isObject } from '../../../providers/json.ts';

/** True if OpenAI accepts the schema as strict: all objects are closed and all of their fields required. */
export const isStrict = (schema: unknown): boolean => {
  if (Array.isArray(schema)) return schema.every(isStrict);
  if (!isObject(schema)) return true;
  const { properties, required, additionalProperties } = schema;
  if (isObject(properties)) {
    const names = Object.keys(properties);
    if (additionalProperties !== false || !Array.isArray(required)) return false;
    const all = new Set<unknown>(required);
    if (!names.every((name) => all.has(name))) return false;
  }
  return Object.values(schema).every(isStrict);
};
