import { COLUMN_TYPES, type Column } from '../../vault/entity.ts';

/** Parameters of a statement that is composed of parts. */
export interface Parameters {
  readonly values: string[];
  /** Adds a value. @returns its SQL, cast to the type */
  add(value: string, type: Column['type']): string;
}

/** All values are sent as text, and the statement casts them, so that no driver chooses their types. */
export const createParameters = (): Parameters => {
  const values: string[] = [];
  return {
    values,
    add: (value, type) => {
      values.push(value);
      const { postgres } = COLUMN_TYPES[type];
      return postgres === 'text' ? `$${values.length}::text` : `$${values.length}::text::${postgres}`;
    },
  };
};
