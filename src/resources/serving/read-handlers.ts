import { OneVaultError } from '../../core/errors.ts';
import { list, single } from '../../http/outcome.ts';
import { sliceOf } from '../../http/paging.ts';
import type { Query } from '../../http/query.ts';
import { mayDo } from '../access/caller.ts';
import type { ResourceModel } from '../declaration/model.ts';
import type { Id } from '../declaration/resource.ts';
import type { EngineDeps } from '../engine-deps.ts';
import { etagOf } from '../reading/etag.ts';
import { findHubKey, getStored, type Place } from '../reading/find.ts';
import { readHistory } from '../reading/history.ts';
import { instantsOf, listStored } from '../reading/list-stored.ts';
import { present, type View } from '../reading/present.ts';
import type { Stored } from '../reading/stored.ts';
import type { ControlRequest, Handler, RouteDeps } from './control-route.ts';

type Served = EngineDeps & RouteDeps;

/** The names in a request's path, and the customer to whom the caller is confined. */
export const placeOf = <Deps extends EngineDeps>(
  { resource, id }: ResourceModel<Deps>,
  { params, caller }: Pick<ControlRequest, 'params' | 'caller'>,
): Place => ({
  id: Object.fromEntries(id.filter(({ name }) => params[name] !== undefined).map(({ name }) => [name, params[name]!])),
  parent: resource.parent === undefined ? null : params[resource.parent.param]!,
  confined_to: caller.customer,
});

export const viewOf = <Deps extends EngineDeps>(
  { resource }: ResourceModel<Deps>,
  { caller }: Pick<ControlRequest, 'caller'>,
  query: Query,
): View => ({
  sees_personal: mayDo(caller, `${resource.kind}.read_personal`),
  only: typeof query.fields === 'string' ? query.fields.split(',') : null,
});

/** Names the customers of the shown resources in the audit log. */
const show = <Deps extends EngineDeps>(
  { resource: { scope } }: ResourceModel<Deps>,
  { draft }: Pick<ControlRequest, 'draft'>,
  rows: readonly { readonly id: Id; readonly references: Stored['references'] }[],
): void => {
  if (scope === undefined) return;
  draft.shows([...new Set(rows.map(({ id, references }) => references[scope] ?? id[scope] ?? null))]);
};

const subjectOf = <Deps extends EngineDeps>({ resource }: ResourceModel<Deps>, { id, references }: Stored): string =>
  resource.subject?.(id, references, 'read') ?? Object.values(id).join('/');

/** `GET` of the collection. */
export const listHandler =
  <Deps extends Served>(model: ResourceModel<Deps>) =>
  (deps: Deps): Handler =>
  async (request) => {
    const { query, cursors } = request;
    const place = placeOf(model, request);
    const { rows, pagination } = await listStored(deps, model, { query, place, cursors });
    show(model, request, rows);
    const view = viewOf(model, request, query);
    return list(
      rows.map((row) => present(model, row, view)),
      pagination,
    );
  };

/** `GET` of one. */
export const readHandler =
  <Deps extends Served>(model: ResourceModel<Deps>) =>
  (deps: Deps): Handler =>
  async (request) => {
    const place = placeOf(model, request);
    const at = await instantsOf(deps, model, request.query);
    const stored = await getStored(deps, model, place, { at });
    request.draft.about(subjectOf(model, stored));
    show(model, request, [stored]);
    const is_past = request.query.applied !== undefined || request.query.known !== undefined;
    return single(present(model, stored, viewOf(model, request, request.query)), {
      headers: { etag: etagOf(stored.versions, stored.references) },
      ...(is_past ? { meta: { applied: at.applied, known: at.known } } : {}),
    });
  };

/** `GET …/history`. */
export const historyHandler =
  <Deps extends Served>(model: ResourceModel<Deps>) =>
  (deps: Deps): Handler =>
  async (request) => {
    const place = placeOf(model, request);
    const stored = await getStored(deps, model, place, { at: { applied: 'infinity', known: 'infinity' } });
    request.draft.about(subjectOf(model, stored));
    show(model, request, [stored]);
    const view = viewOf(model, request, {});
    const states = await readHistory(deps, model, stored);
    const { data, pagination } = sliceOf(states, request.query);
    const rows = data.map(({ state, ...facts }) => ({ ...present(model, { ...stored, state }, view), ...facts }));
    return list(rows, pagination);
  };

/**
 * Names the subject of a path in the event, and refuses a path with an unknown parent, before the body is read.
 * @throws OneVaultError not_found
 */
export const locateResource =
  <Deps extends Served>(model: ResourceModel<Deps>) =>
  async (deps: Deps, request: Omit<ControlRequest, 'body'>): Promise<void> => {
    const { resource, references } = model;
    const place = placeOf(model, request);
    if (Object.keys(place.id).length > 0 || (place.parent !== null && resource.subject !== undefined)) {
      request.draft.about(subjectOfPlace(model, place));
    }
    if (place.parent === null) return;
    const reference = references.find(({ name }) => name === resource.parent!.reference)!;
    const is_foreign = resource.scope === reference.name && ![null, place.parent].includes(place.confined_to);
    if (is_foreign || (await findHubKey(deps.sql, reference, place.parent)) === null) {
      const name = place.parent.replaceAll('\0', '\ufffd').slice(0, 100);
      throw new OneVaultError('not_found', { details: `There is no ${reference.name} ${name}.` });
    }
    if (resource.scope === reference.name) request.draft.shows([place.parent]);
  };

/** The name of a resource in an event; the resource may not exist. */
const subjectOfPlace = <Deps extends EngineDeps>(
  { resource, references }: ResourceModel<Deps>,
  { id, parent }: Place,
): string => {
  const related = Object.fromEntries(
    references.map(({ name }) => [name, name === resource.parent?.reference ? parent : (id[name] ?? null)]),
  );
  return resource.subject?.(id, related, 'read') ?? Object.values(id).join('/');
};
