import type { FieldModel, ResourceModel } from '../declaration/model.ts';
import type { Columns, Id, Related, State } from '../declaration/resource.ts';
import type { EngineDeps } from '../engine-deps.ts';

/** A resource in the form that callers see. */
export interface Shown {
  readonly id: Id;
  readonly references: Related;
  readonly created_at: string;
  readonly state: State;
}

/** The caller, and the fields that it selects; null: all that it may see. */
export interface View {
  readonly sees_personal: boolean;
  readonly only: readonly string[] | null;
}

/** A resource as JSON: the parts of its id, its relations, its fields. */
export const present = <Deps extends EngineDeps>(
  { references, fields, id }: ResourceModel<Deps>,
  shown: Shown,
  { sees_personal, only }: View,
): Columns => {
  const all = [
    ...id.map(({ name }): [string, unknown] => [name, shown.id[name]]),
    ...references.map(({ name }): [string, unknown] => [name, shown.references[name]]),
    ...fields
      .filter(({ read }) => read !== 'secret' && (read !== 'personal' || sees_personal))
      .map((field): [string, unknown] => [field.name, valueOfField(field, shown)]),
  ];
  return Object.fromEntries(only === null ? all : all.filter(([name]) => only.includes(name)));
};

const valueOfField = ({ fact, column, codec }: FieldModel, { state, created_at }: Shown): unknown => {
  if (fact === 'created_at') return created_at;
  if (fact !== null) return state[fact];
  const value = state.columns[column!] ?? null;
  return value === null || codec === null ? value : codec.fromColumn(value);
};
