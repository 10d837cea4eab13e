import { type Body, bodyText } from '../core/body.ts';
import { OneVaultError } from '../core/errors.ts';
import { type Field, fieldsOf, setField } from './json-text.ts';

/**
 * A client's body for a provider that speaks its wire: as it came, but for the model where the provider's own name of
 * it is another.
 * @param accounted the fields by which we count what a call may cost: one that stands twice is refused, as we would
 *   count by the last of them, and a provider that reads the first would do other work than was paid for
 * @throws OneVaultError invalid_request
 */
export const passedBody = (given_body: Body, model: string, accounted: ReadonlySet<string>): string => {
  const body = bodyText(given_body);
  const fields = fieldsOf(body);
  refuseRepeated(fields, accounted);
  const named = fields.find(({ name }) => name === 'model');
  const value = JSON.stringify(model);
  if (named !== undefined) {
    const given = body.slice(named.from, named.to);
    // The same name may be spelt with escapes.
    if (given === value || JSON.parse(given) === model) return body;
  }
  return setField(body, 'model', value, fields);
};

const refuseRepeated = (fields: readonly Field[], accounted: ReadonlySet<string>): void => {
  const seen = new Set<string>();
  for (const { name } of fields) {
    if (!accounted.has(name)) continue;
    if (seen.has(name)) {
      const details = `${name} stands twice in the body: send it once.`;
      throw new OneVaultError('invalid_request', { param: name, details });
    }
    seen.add(name);
  }
};
