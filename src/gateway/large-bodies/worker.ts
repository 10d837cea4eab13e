import { type ErrorCode, OneVaultError } from '../../core/errors.ts';
import { isObject } from '../../providers/json.ts';
import { fieldsOf } from '../../providers/json-text.ts';
import { type ComplianceFlag, detectFlags } from '../guardrails/detectors.ts';
import { commitmentOf } from './commitment.ts';
import { move } from './move.ts';
import { type ReadJson, readJson } from './read-json.ts';

/** A body to read. Its memory moves to the worker, and back with the result. */
export interface BodyTask {
  readonly bytes: Uint8Array;
  readonly salt: Uint8Array;
  readonly is_json: boolean;
}

export interface BodyResult {
  readonly bytes: Uint8Array;
  readonly commitment: string;
  /** Null if the body is no JSON to be read, or if it is refused. */
  readonly json: ReadJson | null;
  readonly refusal: { readonly code: ErrorCode; readonly details: string } | null;
}

/** Reads a body in a worker thread: its commitment, and its JSON. */
export const readBody = ({ bytes, salt, is_json }: BodyTask): object => {
  const result: BodyResult = { bytes, commitment: commitmentOf(salt, bytes), ...readContent(bytes, is_json) };
  return move(result, [bytes.buffer]);
};

const readContent = (bytes: Uint8Array, is_json: boolean): Pick<BodyResult, 'json' | 'refusal'> => {
  if (!is_json) return { json: null, refusal: null };
  try {
    const json = readJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    return { json: { ...json, fields: fieldsIn(json) }, refusal: null };
  } catch (error) {
    if (!(error instanceof OneVaultError)) throw error;
    return { json: null, refusal: { code: error.code, details: error.details ?? '' } };
  }
};

// A request has far fewer. Each of them costs the event loop as much as an object.
const FIELDS_MAX = 1_000;

const fieldsIn = ({ text, value }: ReadJson): ReadJson['fields'] => {
  if (!isObject(value)) return null;
  const fields = fieldsOf(text);
  return fields.length > FIELDS_MAX ? null : fields;
};

/** Searches a text in a worker thread. */
export const detect = (text: string): ComplianceFlag[] => detectFlags(text);
