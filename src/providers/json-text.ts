/** Edits the JSON text of an object in place, so that all other bytes stay: numbers, spaces, unknown fields. */
import { bodyText, type Field, type RequestBody } from '../core/body.ts';
import type { JsonObject } from './chat-form.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;

/** The fields of a body that is the JSON text of an object. */
export const bodyFields = (body: RequestBody): readonly Field[] =>
  typeof body === 'object' && 'fields' in body ? body.fields : fieldsOf(bodyText(body));

/** The fields of an object in order, duplicates included. `text` must be valid JSON of an object. */
export const fieldsOf = (text: string): readonly Field[] => {
  const fields: Field[] = [];
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (text.charCodeAt(at) === QUOTE) {
    const start = at;
    const name_end = endOfString(text, at);
    const name = nameOf(text.slice(start, name_end));
    const from = skipSpace(text, skipSpace(text, name_end) + 1);
    const to = endOfValue(text, from);
    fields.push({ name, start, from, to });
    at = skipSpace(text, to);
    if (text.charCodeAt(at) !== COMMA) break;
    at = skipSpace(text, at + 1);
  }
  return fields;
};

/**
 * `text` with each field `name` replaced, or with the field appended if it is missing.
 * @param fields those of `text`, if they are already known
 */
export const setField = (text: string, name: string, value: string, fields = fieldsOf(text)): string => {
  const named = fields.filter((field) => field.name === name);
  if (named.length === 0) {
    const end = fields.at(-1)?.to ?? text.indexOf('{') + 1;
    const separator = fields.length === 0 ? '' : ',';
    return `${text.slice(0, end)}${separator}${JSON.stringify(name)}:${value}${text.slice(end)}`;
  }
  const pieces: string[] = [];
  let end = 0;
  for (const { from, to } of named) {
    pieces.push(text.slice(end, from), value);
    end = to;
  }
  return pieces.join('') + text.slice(end);
};

/** `text` without its fields `name`, each with the comma after it, or, at the end, with the comma before it. */
export const dropField = (text: string, name: string): string => {
  const fields = fieldsOf(text);
  const last_kept = fields.findLastIndex((field) => field.name !== name);
  const pieces: string[] = [];
  let end = 0;
  for (const [index, field] of fields.slice(0, last_kept + 1).entries()) {
    if (field.name !== name) continue;
    pieces.push(text.slice(end, field.start));
    end = fields[index + 1]!.start;
  }
  if (last_kept + 1 < fields.length) {
    pieces.push(text.slice(end, fields[last_kept]?.to ?? fields[0]!.start));
    end = fields.at(-1)!.to;
  }
  return pieces.join('') + text.slice(end);
};

/**
 * `text` with the changes that `adapt` makes to its object. Fields whose values stay identical keep their bytes.
 */
export const adaptedText = (text: string, adapt: (fields: JsonObject) => JsonObject): string => {
  const given = JSON.parse(text) as JsonObject;
  const adapted = adapt(given);
  if (adapted === given) return text;
  let edited = text;
  for (const name of Object.keys(given)) if (!Object.hasOwn(adapted, name)) edited = dropField(edited, name);
  for (const [name, value] of Object.entries(adapted)) {
    if (value !== given[name]) edited = setField(edited, name, JSON.stringify(value));
  }
  return edited;
};

const nameOf = (quoted: string): string =>
  quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);

const skipSpace = (text: string, from: number): number => {
  let at = from;
  // Below the code of the space, valid JSON has only its four whitespace characters between tokens.
  while (text.charCodeAt(at) <= SPACE) at += 1;
  return at;
};

/** Searches for quotes instead of checking each character, because an image is a string of megabytes. */
const endOfString = (text: string, from: number): number => {
  for (let at = text.indexOf('"', from + 1); ; at = text.indexOf('"', at + 1)) {
    let escapes = at - 1;
    while (text.charCodeAt(escapes) === BACKSLASH) escapes -= 1;
    if ((at - escapes) % 2 === 1) return at + 1;
  }
};

const endOfValue = (text: string, from: number): number => {
  const first = text.charCodeAt(from);
  if (first === QUOTE) return endOfString(text, from);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return endOfNested(text, from);
  let at = from;
  for (let code = first; code > SPACE && code !== COMMA && code !== CLOSE_BRACE; ) code = text.charCodeAt(++at);
  return at;
};

const endOfNested = (text: string, from: number): number => {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at) - 1;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth += 1;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
};
