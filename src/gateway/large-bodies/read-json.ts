import type { Field } from '../../core/body.ts';
import { decodeBody, parseText } from '../../http/body.ts';
import { surveyJson } from './survey-json.ts';

/** A JSON body as text and as value. */
export interface ReadJson {
  readonly text: string;
  readonly value: unknown;
  /** Fields of an object; null if they were not searched, because that takes longer than to search them when needed. */
  readonly fields: readonly Field[] | null;
}

/**
 * Decodes, surveys and parses a JSON body.
 * @throws OneVaultError malformed_json, invalid_request
 */
export const readJson = (body: Buffer): ReadJson => {
  const text = decodeBody(body);
  surveyJson(text);
  return { text, value: parseText(text), fields: null };
};
