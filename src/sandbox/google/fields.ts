import { isJsonObject, type Json, objectOf, SandboxRefusal } from '../call.ts';

/** The fields of one of Google's messages, by their JSON names. */
export type Fields = ReadonlySet<string>;

export const fieldsOf = (names: string): Fields => new Set(names.split(' '));

const camelOf = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/**
 * One of Google's messages with JSON names; it may also have the names of its protocol buffer (`top_k`).
 * @param at path of the message in the body, for the error
 * @throws SandboxRefusal 400 at a field that the message does not have
 */
export const messageOf = (given: unknown, fields: Fields, at: string): Json => {
  if (given !== undefined && given !== null && !isJsonObject(given)) {
    throw new SandboxRefusal(400, `Invalid value at '${at}' (type.googleapis.com), it is no message.`, at);
  }
  const out: Json = {};
  for (const [name, value] of Object.entries(objectOf(given))) {
    const camel = camelOf(name);
    if (!fields.has(camel)) {
      const place = at === '' ? '' : ` at '${at}'`;
      throw new SandboxRefusal(
        400,
        `Invalid JSON payload received. Unknown name "${name}"${place}: Cannot find field.`,
        at,
      );
    }
    out[camel] = value;
  }
  return out;
};

/** The list in a field; like Google's servers, accepts a single message as a list of one. */
export const repeated = (value: unknown): readonly unknown[] => {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
};

const SCHEMA = fieldsOf(
  'type format title description nullable enum items maxItems minItems properties required minProperties maxProperties minLength maxLength pattern example anyOf propertyOrdering default minimum maximum',
);

/** Refuses a schema with fields that Google's schemas do not have. @throws SandboxRefusal */
export const checkSchema = (schema: unknown, at: string): void => {
  const { items, properties, anyOf } = messageOf(schema, SCHEMA, at);
  if (items !== undefined) checkSchema(items, `${at}.items`);
  for (const [name, property] of Object.entries(objectOf(properties))) {
    checkSchema(property, `${at}.properties[${name}].value`);
  }
  for (const [index, option] of repeated(anyOf).entries()) checkSchema(option, `${at}.any_of[${index}]`);
};
