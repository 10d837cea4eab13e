import { OneVaultError } from '../../core/errors.ts';
import { fieldsOf } from '../json-text.ts';

// What the cost of a call hangs on.
const ACCOUNTED: ReadonlySet<string> = new Set([
  'cachedContent',
  'contents',
  'content',
  'requests',
  'generateContentRequest',
  'generationConfig',
  'systemInstruction',
  'tools',
]);
const ACCOUNTED_CONFIG: ReadonlySet<string> = new Set(['candidateCount', 'maxOutputTokens']);

/**
 * Refuses a body in which a field that we count by stands twice, however it is spelt: we would count by one of them,
 * and Google go by the other.
 * @param body JSON text, known to be an object
 * @throws OneVaultError invalid_request
 */
export const refuseRepeated = (body: string): void => {
  refuseIn(body, ACCOUNTED, '');
  for (const { name, from, to } of fieldsOf(body)) {
    if (camelCase(name) !== 'generationConfig' || body[from] !== '{') continue;
    refuseIn(body.slice(from, to), ACCOUNTED_CONFIG, 'generationConfig.');
  }
};

const refuseIn = (text: string, accounted: ReadonlySet<string>, prefix: string): void => {
  const seen = new Set<string>();
  for (const { name: given } of fieldsOf(text)) {
    const name = camelCase(given);
    if (!accounted.has(name)) continue;
    if (seen.has(name)) {
      const param = prefix + name;
      throw new OneVaultError('invalid_request', { param, details: `${param} stands twice: send it once.` });
    }
    seen.add(name);
  }
};

/** A field by the one of its two names that Google writes itself (https://protobuf.dev/programming-guides/json). */
export const camelCase = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase());
