import type { Schema } from './route.ts';

/** Short forms of common schemas of responses. */
export const TEXT: Schema = { type: 'string' };
export const UUID: Schema = { type: 'string', format: 'uuid' };
export const INTEGER: Schema = { type: 'integer' };
export const INSTANT: Schema = { type: 'string', format: 'date-time' };
export const OPEN_OBJECT: Schema = { type: 'object', additionalProperties: true };
/** SHA-256 or another hash of 32 bytes, lower-case hex. */
export const HASH: Schema = { type: 'string', pattern: '^[0-9a-f]{64}$' };

export const nullable = (schema: Schema): Schema => ({ ...schema, type: [schema.type, 'null'].flat() });

export const arrayOf = (items: Schema): Schema => ({ type: 'array', items });

/** An object with exactly these properties. @param title name of its component; null for none */
export const objectOf = (title: string | null, properties: Readonly<Record<string, Schema>>): Schema => ({
  ...(title === null ? {} : { title }),
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties),
  properties,
});
