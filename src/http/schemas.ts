import type { Schema } from './route.ts';

/** Short forms of the schemas that answers are described with. */
export const TEXT: Schema = { type: 'string' };
export const UUID: Schema = { type: 'string', format: 'uuid' };
export const INTEGER: Schema = { type: 'integer' };
export const INSTANT: Schema = { type: 'string', format: 'date-time' };
export const OPEN_OBJECT: Schema = { type: 'object', additionalProperties: true };
/** SHA-256 or another hash of 32 bytes, lower-case hex. */
export const HASH: Schema = { type: 'string', pattern: '^[0-9a-f]{64}$' };

export const nullable = (schema: Schema): Schema => ({ ...schema, type: [schema.type, 'null'].flat() });

export const arrayOf = (items: Schema): Schema => ({ type: 'array', items });

/** An object that has each of the properties and no other. @param title makes it a component; null does not */
export const objectOf = (title: string | null, properties: Readonly<Record<string, Schema>>): Schema => ({
  ...(title === null ? {} : { title }),
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties),
  properties,
});
