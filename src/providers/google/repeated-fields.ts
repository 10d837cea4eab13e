import { OneVaultError } from '../../core/errors.ts';
import { fieldsOf } from '../json-text.ts';

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
