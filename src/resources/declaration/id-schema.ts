import type { Schema } from '../../http/route.ts';
import type { Reference } from './resource.ts';

type NamedReference = Reference & { readonly name: string };

/** A chosen name of a new resource. */
export const SLUG: Schema = {
  type: 'string',
  pattern: '^[a-z][a-z0-9-]{1,62}$',
  description: 'Name of the resource in paths.',
};

/** The value of a reference in a body, or in the path of a new resource. */
export const referenceWritten = ({ is_nullable, narrow, description, default: value }: Reference): Schema => ({
  type: is_nullable === true ? ['string', 'null'] : 'string',
  minLength: 1,
  maxLength: 255,
  ...(description === undefined ? {} : { description }),
  ...(value === undefined ? {} : { default: value }),
  ...narrow,
});

/** The parts of the id that a client may choose for a new resource. */
export const idSchema = (parts: readonly string[], references: readonly NamedReference[]): Schema => ({
  type: 'object',
  properties: Object.fromEntries(
    parts.map((name) => {
      const reference = references.find((each) => each.name === name);
      return [name, reference === undefined ? SLUG : referenceWritten(reference)];
    }),
  ),
});
