import type { Schema } from './route.ts';

/** Short forms of common schemas of responses. */
export const TEXT = { type: 'string' } as const;
export const UUID = { type: 'string', format: 'uuid' } as const;
export const INTEGER = { type: 'integer' } as const;
export const INSTANT = { type: 'string', format: 'date-time' } as const;
export const OPEN_OBJECT = { type: 'object', additionalProperties: true } as const;
/** SHA-256 or another hash of 32 bytes, lower-case hex. */
export const HASH = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const;

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
