import { OneVaultError } from '../../core/errors.ts';
import type { ResourceModel } from '../declaration/model.ts';
import type { Columns, Draft, Id, Related } from '../declaration/resource.ts';
import type { EngineDeps } from '../engine-deps.ts';
import type { Stored } from '../reading/stored.ts';
import { mergeInput } from './merge-input.ts';
import type { WriteRequest } from './write-request.ts';

/** A change before its transaction: the present resource, and the draft to write. */
export interface Prepared {
  readonly found: Stored | null;
  readonly draft: Draft;
}

/** The draft of a change, after the hooks that run outside of a transaction. */
export const prepareDraft = async <Deps extends EngineDeps>(
  deps: Deps,
  model: ResourceModel<Deps>,
  request: WriteRequest,
  { id, references, found }: { readonly id: Id; readonly references: Related; readonly found: Stored | null },
): Promise<Prepared> => {
  const { hooks, actions } = model.resource;
  const before = found?.state.columns ?? null;
  if (found !== null) refuseEnded(model, request, found.state.columns);
  const draft: Draft = {
    operation: request.operation,
    id,
    references,
    input: request.input,
    before,
    columns: columnsFor(model, request, before),
    reveals: {},
    actor: request.actor,
  };
  await hooks?.validate?.(deps, draft);
  await actions?.[request.operation]?.run(deps, draft);
  await hooks?.before_write?.(deps, draft);
  return { found, draft };
};

const columnsFor = <Deps extends EngineDeps>(
  model: ResourceModel<Deps>,
  { operation, input }: WriteRequest,
  before: Columns | null,
): Record<string, unknown> => {
  switch (operation) {
    case 'create':
    case 'update':
      return mergeInput(model, operation, before, input);
    case 'replace':
      return mergeInput(model, before === null ? 'create' : 'replace', before, input);
    case 'delete':
      return { ...before, ...model.resource.end!.columns };
    default:
      return { ...before };
  }
};

/** Refuses a change of a resource that has ended for good; ending it again changes nothing. */
const refuseEnded = <Deps extends EngineDeps>(
  { resource: { end, kind } }: ResourceModel<Deps>,
  { operation }: WriteRequest,
  columns: Columns,
): void => {
  if (end?.is_final !== true || operation === 'delete' || !hasEnded(end.columns, columns)) return;
  const state = Object.values(end.columns).join(', ');
  throw new OneVaultError('wrong_state', { details: `The ${kind.replaceAll('_', ' ')} is ${state}, which is final.` });
};

export const hasEnded = (end: Columns, columns: Columns): boolean =>
  Object.entries(end).every(([name, value]) => JSON.stringify(columns[name]) === JSON.stringify(value));
