import { bodyText, type Field, type RequestBody } from '../../core/body.ts';
import { OneVaultError } from '../../core/errors.ts';
import { bodyFields, fieldsOf } from '../json-text.ts';

// Fields that determine the cost of a call.
const ACCOUNTED: ReadonlySet<string> = new Set([
  'cachedContent',
  'contents',
  'content',
  'requests',
  'generateContentRequest',
  'generationConfig',
  'systemInstruction',
  'tools',
  'serviceTier',
]);
const ACCOUNTED_CONFIG: ReadonlySet<string> = new Set(['candidateCount', 'maxOutputTokens']);

/**
 * Refuses a body in which a field that determines the cost appears twice, in either spelling: the gateway would count
 * by one of them, but Google would use the other.
 * @param body JSON text, known to be an object
 * @throws OneVaultError invalid_request
 */
export const refuseRepeated = (body: RequestBody): void => {
  const text = bodyText(body);
  const fields = bodyFields(body);
  refuseIn(fields, ACCOUNTED, '');
  for (const { name, from, to } of fields) {
    if (camelCase(name) !== 'generationConfig' || text[from] !== '{') continue;
    refuseIn(fieldsOf(text.slice(from, to)), ACCOUNTED_CONFIG, 'generationConfig.');
  }
};

const refuseIn = (fields: readonly Field[], accounted: ReadonlySet<string>, prefix: string): void => {
  const seen = new Set<string>();
  for (const { name: given } of fields) {
    const name = camelCase(given);
    if (!accounted.has(name)) continue;
    if (seen.has(name)) {
      const param = prefix + name;
      throw new OneVaultError('invalid_request', { param, details: `${param} appears twice: send it once.` });
    }
    seen.add(name);
  }
};

/**
 * The camelCase form of a name, which Google also accepts in snake case (https://protobuf.dev/programming-guides/json).
 */
export const camelCase = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase());
