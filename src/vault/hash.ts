import { hash } from 'node:crypto';
import { canonicalJson } from '../core/canonical-json.ts';
import { isHash, isHex } from '../core/hex.ts';
import type { ColumnType } from './entity.ts';
import { isDay, isVaultInstant } from './row-schema.ts';

/**
 * One component as `<tag><byte length>:<text>`. The length makes the concatenation of components injective:
 * no value can reach into its neighbour. The functions of the SQL schema `util` write the same bytes.
 * @param value the value, or null
 * @param field name of the field for errors
 * @throws TypeError or RangeError naming the field when the value has no encoding
 */
export type Encoder = (value: unknown, field: string) => string;

const NULL = 'n0:';
const PLAIN_INTEGER = /^(0|-?[1-9][0-9]*)$/;
const DECIMAL = /^(-?)([0-9]+)(?:\.([0-9]+))?$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
// `YYYY-MM-DDTHH:MM:SS.mmmZ`, the form in which nearly every instant comes.
const MILLISECOND_INSTANT_LENGTH = 24;

const encodeText: Encoder = (value, field) => {
  if (value === null) return NULL;
  if (typeof value !== 'string') throw new TypeError(`${field} must be text, not ${typeof value}`);
  if (value.includes('\0')) throw new RangeError(`${field} holds a NUL character`);
  const bytes = Buffer.byteLength(value);
  // Only ASCII text has as many bytes as code units, and ASCII is always normalised and well-formed.
  if (bytes === value.length) return `t${bytes}:${value}`;
  if (!value.isWellFormed()) throw new RangeError(`${field} holds a lone surrogate`);
  const normal = value.normalize('NFC');
  return `t${Buffer.byteLength(normal)}:${normal}`;
};

const encodeInteger: Encoder = (value, field) => {
  if (value === null) return NULL;
  if (!Number.isSafeInteger(value)) throw new RangeError(`${field} must be a safe integer, not ${String(value)}`);
  const text = value === 0 ? '0' : String(value);
  return `i${text.length}:${text}`;
};

const encodeDecimal: Encoder = (value, field) => {
  if (value === null) return NULL;
  if (typeof value !== 'string') throw new TypeError(`${field} must be a decimal string, not ${typeof value}`);
  const text = PLAIN_INTEGER.test(value) ? value : plainDecimal(value, field);
  return `i${text.length}:${text}`;
};

/** The shortest plain form of a decimal: no leading or trailing zeros, never `-0`. */
const plainDecimal = (value: string, field: string): string => {
  const match = DECIMAL.exec(value);
  if (match === null) throw new RangeError(`${field} must be a plain decimal, not "${value}"`);
  const whole = match[2]!.replace(/^0+(?=\d)/, '');
  const fraction = (match[3] ?? '').replace(/0+$/, '');
  const digits = fraction === '' ? whole : `${whole}.${fraction}`;
  return digits === '0' ? '0' : match[1] + digits;
};

const encodeBoolean: Encoder = (value, field) => {
  if (value === null) return NULL;
  if (typeof value !== 'boolean') throw new TypeError(`${field} must be true or false, not ${typeof value}`);
  return value ? 'b1:t' : 'b1:f';
};

const encodeInstant: Encoder = (value, field) => {
  if (value === null) return NULL;
  if (typeof value !== 'string' || !isVaultInstant(value)) {
    throw new RangeError(`${field} must be an instant (ISO 8601, UTC, Z), not ${String(value)}`);
  }
  if (value.length === MILLISECOND_INSTANT_LENGTH) return `d27:${value.slice(0, -1)}000Z`;
  const fraction = value.slice(20, -1).padEnd(6, '0');
  return `d27:${value.slice(0, 19)}.${fraction}Z`;
};

const encodeDate: Encoder = (value, field) => {
  if (value === null) return NULL;
  if (typeof value !== 'string' || !isDay(value)) {
    throw new RangeError(`${field} must be a day (YYYY-MM-DD), not ${String(value)}`);
  }
  return `t10:${value}`;
};

const encodeUuid: Encoder = (value, field) => {
  if (value === null) return NULL;
  if (typeof value !== 'string' || !UUID.test(value)) {
    throw new RangeError(`${field} must be a UUID in lower case, not ${String(value)}`);
  }
  return `t36:${value}`;
};

const encodeBytes: Encoder = (value, field) => {
  if (value === null) return NULL;
  if (typeof value !== 'string' || value.length % 2 !== 0 || !isHex(value)) {
    throw new RangeError(`${field} must be lower-case hexadecimal, not ${String(value)}`);
  }
  return `x${value.length}:${value}`;
};

const encodeJson: Encoder = (value, field) => {
  if (value === null) return NULL;
  const text = canonicalJson(value, field);
  return `j${Buffer.byteLength(text)}:${text}`;
};

const encodeTextArray: Encoder = (value, field) => {
  if (value === null) return NULL;
  if (!Array.isArray(value)) throw new TypeError(`${field} must be an array, not ${typeof value}`);
  return encodeArray(value.map((element, at) => encodeText(element, `${field}[${at}]`)));
};

/** The encoder of each column type. */
export const ENCODERS: Readonly<Record<ColumnType, Encoder>> = {
  text: encodeText,
  uuid: encodeUuid,
  integer: encodeInteger,
  bigint: encodeInteger,
  decimal: encodeDecimal,
  boolean: encodeBoolean,
  instant: encodeInstant,
  date: encodeDate,
  bytes: encodeBytes,
  json: encodeJson,
  'text[]': encodeTextArray,
};

/** The component before the value of an added column: it names the column, so that values cannot change places. */
export const encodeColumnName = (name: string): string => `c${Buffer.byteLength(name)}:${name}`;

/** An array of encoded components. */
export const encodeArray = (encoded: readonly string[]): string => {
  const elements = encoded.join('');
  return `a${Buffer.byteLength(elements)}:${elements}`;
};

/**
 * Key of a hub row, 64 lower-case hex digits.
 * @param table the hub's bare table name
 * @param encoded the encoded parts of the business key, in declared order, put together
 */
export const hashHub = (table: string, encoded: string): string => digest('hub:', table, encoded);

/**
 * Key of a link row, 64 lower-case hex digits.
 * @param table the link's bare table name
 * @param hub_keys the hash keys of its hubs in declared order
 * @param encoded_dependent_key the encoded dependent key, empty where the link has none
 * @throws RangeError when a hash key is not 64 lower-case hex digits
 */
export const hashLink = (table: string, hub_keys: readonly string[], encoded_dependent_key = ''): string => {
  let encoded = '';
  for (const key of hub_keys) {
    if (!isHash(key)) throw new RangeError(`${table}: a hub key must be 64 lower-case hex digits, not ${key}`);
    encoded += `x64:${key}`;
  }
  return digest('link:', table, encoded + encoded_dependent_key);
};

/**
 * Hash of a satellite row's payload, 64 lower-case hex digits.
 * @param table the satellite's bare table name
 * @param encoded the encoded payload columns in name order, put together; of a multi-active set, an encoded
 *   array of such rows in order of their sub keys
 */
export const hashDiff = (table: string, encoded: string): string => digest('diff:', table, encoded);

const digest = (domain: string, table: string, encoded: string): string =>
  hash('sha256', `${domain}${table}\0${encoded}`, 'hex');
