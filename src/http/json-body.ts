import type { IncomingMessage } from 'node:http';
import { OneVaultError } from '../core/errors.ts';
import { decodeBody, parseText, readBody } from './body.ts';
import { duplicateFields } from './duplicate-fields.ts';
import { invalidBody } from './faults.ts';

// A request of an administrator is a small form, not a document.
const FORM_LIMIT_BYTES = 65_536;
const JSON_TYPE = /^application\/(.+\+)?json\s*(;|$)/i;

/** A small received body as text and as JSON value. */
export interface JsonBody {
  readonly text: string;
  readonly value: unknown;
}

/**
 * Reads a small body of JSON.
 * @throws OneVaultError unsupported_media_type, malformed_json, body_too_large; validation_error for a duplicate
 * field
 */
export const readJsonBody = async (request: IncomingMessage): Promise<JsonBody> => {
  const type = request.headers['content-type'];
  if (type !== undefined && !JSON_TYPE.test(type)) {
    throw new OneVaultError('unsupported_media_type', {
      details: `It was ${type.slice(0, 100)}.`,
      faults: [{ path: 'header.content-type', code: 'not_allowed', message: 'content-type must be application/json.' }],
    });
  }
  const text = decodeBody(await readBody(request, FORM_LIMIT_BYTES));
  const value = parseText(text);
  const twice = duplicateFields(text);
  if (twice.length > 0) throw invalidBody(twice);
  return { text, value };
};
