import { bodyText, type Field, type RequestBody } from '../core/body.ts';
import { OneVaultError } from '../core/errors.ts';
import { bodyFields, setField } from './json-text.ts';

/**
 * A client's body for a provider with the same protocol. Only the model changes, if the provider's own name of it
 * differs.
 * @param accounted fields that determine the cost: one that appears twice is refused, because the gateway would count
 *   by the last of them, while a provider that reads the first would do work that is not charged
 * @throws OneVaultError invalid_request
 */
export const passthroughBody = (given_body: RequestBody, model: string, accounted: ReadonlySet<string>): string => {
  const body = bodyText(given_body);
  const fields = bodyFields(given_body);
  refuseRepeated(fields, accounted);
  const named = fields.find(({ name }) => name === 'model');
  const value = JSON.stringify(model);
  if (named !== undefined) {
    const given = body.slice(named.from, named.to);
    // The same name may be written with escapes.
    if (given === value || JSON.parse(given) === model) return body;
  }
  return setField(body, 'model', value, fields);
};

const refuseRepeated = (fields: readonly Field[], accounted: ReadonlySet<string>): void => {
  const seen = new Set<string>();
  for (const { name } of fields) {
    if (!accounted.has(name)) continue;
    if (seen.has(name)) {
      const details = `${name} appears twice in the body: send it once.`;
      throw new OneVaultError('invalid_request', { param: name, details });
    }
    seen.add(name);
  }
};
