import type { FieldModel, ResourceModel } from '../declaration/model.ts';
import type { Columns } from '../declaration/resource.ts';
import type { EngineDeps } from '../engine-deps.ts';
import { refuseEmail } from './refuse-email.ts';

type Writing = 'create' | 'update' | 'replace';

/** True if the body of an operation may have the field. */
export const isWritable = ({ options: { write } }: FieldModel, writing: Writing): boolean =>
  write === 'always' || write === (writing === 'create' ? 'create' : 'patch');

/** True if a body must have the field, because it has no default. */
export const isRequired = ({ options, is_nullable }: FieldModel): boolean =>
  options.default === undefined && !is_nullable;

/**
 * The columns of a state after the changes of a body.
 * @param before null at creation
 * @throws OneVaultError validation_error if a value has no form in its column, or free text contains an e-mail address
 */
export const mergeInput = <Deps extends EngineDeps>(
  { satellites, fields }: ResourceModel<Deps>,
  writing: Writing,
  before: Columns | null,
  input: Columns,
): Record<string, unknown> => {
  const columns: Record<string, unknown> = before === null ? {} : { ...before };
  if (before === null) {
    for (const { name } of satellites.flatMap(({ satellite }) => satellite.payload)) columns[name] = null;
  }
  for (const field of fields.filter(({ column }) => column !== null)) {
    const column = field.column!;
    if (isWritable(field, writing) && Object.hasOwn(input, field.name)) {
      columns[column] = columnValue(field, input[field.name], before?.[column]);
    } else if (before === null || (writing === 'replace' && isWritable(field, writing))) {
      columns[column] = field.options.default ?? null;
    }
  }
  return columns;
};

const columnValue = ({ name, codec, options, type }: FieldModel, value: unknown, before: unknown): unknown => {
  if (value === null) return null;
  if (options.is_free_text === true && typeof value === 'string') refuseEmail(name, value);
  if (codec !== null) return codec.toColumn(value, name);
  return type === 'json' ? mergePatch(before, value) : value;
};

/** JSON Merge Patch (RFC 7396, section 2): null removes a member, another value replaces it. */
const mergePatch = (target: unknown, patch: unknown): unknown => {
  if (!isPlainObject(patch)) return patch;
  const merged: Record<string, unknown> = isPlainObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  }
  return merged;
};

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
