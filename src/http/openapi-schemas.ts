import { STANDARD_FORMATS } from './formats.ts';
import type { Schema } from './route.ts';

/** Collects named schemas, so that each appears once in the document. */
export interface Components {
  /** The schema in an operation: a reference if it has a name. */
  put(schema: Schema): Schema;
  readonly schemas: Readonly<Record<string, Schema>>;
}

const NAME = /^[A-Z][A-Za-z0-9]*$/;
const LOCAL_REFERENCE = /^#\/\$defs\/(.+)$/;

/** @throws Error if two different schemas have the same name */
export const createComponents = (): Components => {
  const schemas: Record<string, Schema> = {};
  const add = (name: string, schema: Schema): Schema => {
    const known = schemas[name];
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(schema)) {
      throw new Error(`two different schemas are called ${name}`);
    }
    schemas[name] = schema;
    return { $ref: `#/components/schemas/${name}` };
  };
  /** @param owner the named schema that local references belong to */
  const walk = (value: unknown, owner: string): unknown => {
    if (Array.isArray(value)) return value.map((each) => walk(each, owner));
    if (typeof value !== 'object' || value === null) return value;
    const { $schema: _schema, $id: _id, $defs, ...own } = value as Record<string, unknown>;
    const portable = typeof own.pattern === 'string' ? { pattern: portablePattern(own.pattern) } : {};
    const rest: Record<string, unknown> = { ...own, ...portable, ...STANDARD_FORMATS[String(own.format)] };
    const name = typeof rest.title === 'string' && NAME.test(rest.title) ? rest.title : null;
    const inner = name ?? owner;
    for (const [part, definition] of Object.entries(($defs ?? {}) as Record<string, Schema>)) {
      add(`${inner}_${part}`, walk(definition, inner) as Schema);
    }
    const walked = Object.fromEntries(
      Object.entries(rest).map(([key, each]) => [key, key === '$ref' ? refOf(each, inner) : walk(each, inner)]),
    );
    return name === null ? walked : add(name, walked);
  };
  return { put: (schema) => walk(schema, 'Schema') as Schema, schemas };
};

/** Unicode classes as ranges: not every JSON Schema library knows `\\p{…}` (ECMA-262 with the flag u). */
const portablePattern = (pattern: string): string =>
  pattern.replaceAll('\\p{Cs}', '\\ud800-\\udfff').replaceAll('\\p{Cc}', '\\u0000-\\u001f\\u007f-\\u009f');

const refOf = (reference: unknown, owner: string): unknown => {
  const local = LOCAL_REFERENCE.exec(String(reference))?.[1];
  return local === undefined ? reference : `#/components/schemas/${owner}_${local}`;
};

const INSTANT: Schema = { type: 'string', format: 'date-time' };
const COUNT: Schema = { type: 'integer', minimum: 0 };
const LINK: Schema = { type: ['string', 'null'], format: 'uri-reference' };

const metaOf = (more: Readonly<Record<string, Schema>>): Schema => ({
  type: 'object',
  required: ['version', 'timestamp', ...Object.keys(more)],
  properties: { version: { type: 'string' }, timestamp: INSTANT, ...more },
});

const META: Schema = { title: 'Meta', ...metaOf({}) };

const LIST_META: Schema = {
  title: 'ListMeta',
  ...metaOf({
    pagination: {
      anyOf: [
        {
          title: 'PagePagination',
          type: 'object',
          required: ['page', 'per_page', 'total', 'pages'],
          properties: { page: COUNT, per_page: COUNT, total: COUNT, pages: COUNT },
        },
        {
          title: 'CursorPagination',
          type: 'object',
          required: ['per_page', 'has_more', 'next_cursor', 'total_estimate'],
          properties: {
            per_page: COUNT,
            has_more: { type: 'boolean' },
            next_cursor: { type: ['string', 'null'] },
            total_estimate: { type: ['integer', 'null'] },
          },
        },
      ],
    },
  }),
};

const LINKS: Schema = {
  title: 'Links',
  type: 'object',
  required: ['self', 'next', 'prev', 'first', 'last'],
  properties: { self: LINK, next: LINK, prev: LINK, first: LINK, last: LINK },
};

/** One resource in its envelope. */
export const singleSchema = (data: Schema): Schema => ({
  type: 'object',
  required: ['data', 'meta'],
  properties: { data, meta: META },
});

/** A list in its envelope. @param row schema of one row */
export const listSchema = (row: Schema): Schema => ({
  type: 'object',
  required: ['data', 'meta', 'links'],
  properties: { data: { type: 'array', items: row }, meta: LIST_META, links: LINKS },
});

const FAULTS: Schema = {
  type: 'array',
  maxItems: 20,
  items: {
    title: 'FieldFault',
    type: 'object',
    required: ['path', 'code', 'message'],
    properties: {
      path: { type: 'string', description: 'A JSON Pointer into the body, or query.name, header.name.' },
      code: { type: 'string' },
      message: { type: 'string' },
    },
  },
};

const ERROR_MEMBERS: Readonly<Record<string, Schema>> = {
  code: { type: 'string' },
  details: {
    type: 'object',
    required: ['reason', 'explanation'],
    properties: {
      reason: { type: ['string', 'null'], description: 'A more specific word than the code.' },
      explanation: { type: ['string', 'null'] },
    },
  },
  status: { type: 'integer', minimum: 400, maximum: 599 },
  request_id: { type: 'string', format: 'uuid' },
  timestamp: INSTANT,
  param: { type: ['string', 'null'] },
  errors: FAULTS,
};

/** An error of the control plane. */
export const ERROR_SCHEMA: Schema = {
  title: 'ErrorBody',
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      title: 'ErrorDetails',
      type: 'object',
      required: [...Object.keys(ERROR_MEMBERS), 'message', 'type'],
      properties: { ...ERROR_MEMBERS, message: { type: 'string' }, type: { type: 'string' } },
    },
  },
};

/** The same as a problem (RFC 9457). */
export const PROBLEM_SCHEMA: Schema = {
  title: 'Problem',
  type: 'object',
  required: [...Object.keys(ERROR_MEMBERS), 'type', 'title', 'detail', 'instance'],
  properties: {
    ...ERROR_MEMBERS,
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    detail: { type: 'string' },
    instance: { type: 'string', format: 'uri' },
  },
};

/** An error of the gateway: the form of each client protocol, together with our own fields. */
export const GATEWAY_ERROR_SCHEMA: Schema = {
  title: 'GatewayError',
  description: "An error in the form of the client's protocol, with additional fields of the gateway.",
  type: 'object',
  additionalProperties: true,
};
