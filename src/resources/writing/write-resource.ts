import { instantOf } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import { microInstant } from '../../vault/instant.ts';
import type { SatelliteTable, Stamp, VaultRow } from '../../vault/rows.ts';
import type { Transaction } from '../../vault/transaction.ts';
import type { ResourceModel } from '../declaration/model.ts';
import type { Change, Columns, Draft, Id, Related, State } from '../declaration/resource.ts';
import type { EngineDeps } from '../engine-deps.ts';
import { etagOf, namesEtag } from '../reading/etag.ts';
import { findStored, getStored, notFound, type Place } from '../reading/find.ts';
import type { RowVersion, Stored } from '../reading/stored.ts';
import { changedSatellites, entityRows, type Keys, keysOf, satelliteRows, shapeOf } from './change-rows.ts';
import { hasEnded, type Prepared, prepareDraft } from './prepare-draft.ts';
import { customerOf, idOf, isCreating, placeOf, refuseBadNames, refuseUnknown, relatedOf } from './relations.ts';
import { lockName, save, stampAfter } from './save.ts';
import { missingVersion, versionConflict } from './version-conflict.ts';
import type { WriteRequest } from './write-request.ts';

export interface Written {
  /** The state after the change; for a dry run, the simulated one. */
  readonly shown: { readonly id: Id; readonly references: Related; readonly created_at: string; readonly state: State };
  /** Null after a dry run. */
  readonly etag: string | null;
  readonly is_new: boolean;
  readonly reveals: Columns;
}

/**
 * Writes a change: a row for each changed satellite, together with the audit event, or neither. An equal state is no
 * change and writes no row.
 * @throws OneVaultError not_found, validation_error, already_exists, wrong_state, version_conflict, and what hooks throw
 */
export const writeResource = async <Deps extends EngineDeps>(
  deps: Deps,
  model: ResourceModel<Deps>,
  request: WriteRequest,
): Promise<Written> => {
  const { resource } = model;
  const place = placeOf(deps, model, request);
  const found = request.operation === 'create' ? null : await findStored(deps, model, place);
  if (found === null && !isCreating(model, request)) throw notFound(model, place);
  if (found === null && request.operation === 'replace') refuseBadNames(model, place);
  if (found !== null) requireVersion(request);
  const references = found?.references ?? relatedOf(model, request, place);
  const { operation } = request;
  request.events.about(resource.subject?.(place.id, references, operation) ?? Object.values(place.id).join('/'));
  if (found === null) await refuseUnknown(deps, model, request, { place, references });
  request.events.shows([customerOf(model, place.id, references)]);
  const prepared = await prepareDraft(deps, model, request, { id: place.id, references, found });
  const outcome: Outcome = { same: null, is_new: false, rehearsed: null };
  await save(
    deps,
    async (stamp, tx) => {
      await lockName(
        tx,
        resource.lock?.(place.id, references) ?? `${resource.kind}/${Object.values(place.id).join('/')}`,
      );
      return changeOf({ deps, model, request, place, tx, stamp, prepared, outcome });
    },
    resource.record_source,
  );
  const { draft } = prepared;
  if (outcome.rehearsed !== null) {
    const { rehearsed, is_new } = outcome;
    return { shown: { id: place.id, references, ...rehearsed }, etag: null, is_new, reveals: {} };
  }
  const at = request.applied_from == null ? {} : { at: { applied: request.applied_from, known: 'infinity' } };
  const where = outcome.same === null ? place : { ...place, id: idOf(model, outcome.same) };
  const stored = await getStored(deps, model, where, at);
  const reveals = outcome.is_new ? draft.reveals : {};
  return { shown: stored, etag: etagOf(stored.versions, stored.references), is_new: outcome.is_new, reveals };
};

const requireVersion = ({ requires_version, if_match, creates_only }: WriteRequest): void => {
  if (requires_version !== true || if_match != null || creates_only === true) return;
  throw missingVersion();
};

/** The findings of a transaction, for the response. */
interface Outcome {
  /** The id of another resource that has the same content already. */
  same: string | null;
  is_new: boolean;
  rehearsed: { readonly state: State; readonly created_at: string } | null;
}

interface ChangeInput<Deps extends EngineDeps> {
  readonly deps: Deps;
  readonly model: ResourceModel<Deps>;
  readonly request: WriteRequest;
  readonly place: Place;
  readonly tx: Transaction;
  readonly stamp: Stamp;
  readonly prepared: Prepared;
  readonly outcome: Outcome;
}

/** The rows and the event of a change, from the state under the lock; null if it changes nothing. */
const changeOf = async <Deps extends EngineDeps>(input: ChangeInput<Deps>) => {
  const { deps, model, request, place, tx, stamp, prepared, outcome } = input;
  const { hooks } = model.resource;
  const { draft: first } = prepared;
  const current = await currentOf(input);
  if (current === null) {
    outcome.same = (await hooks?.find_same?.(deps, tx, first)) ?? null;
    if (outcome.same !== null) return null;
  }
  const draft = await catchUp(input, current);
  await hooks?.check?.(deps, tx, draft);
  const dated = request.applied_from == null ? stamp : { ...stamp, applied_date: request.applied_from };
  const previous =
    request.applied_from == null
      ? current
      : await findStored(deps, model, place, { tx, at: { applied: request.applied_from, known: 'infinity' } });
  const keys = keysOf(deps.rows, model, draft.id, draft.references);
  const shape = shapeOf(model, draft.columns);
  const versions = previous?.versions ?? (await attachedVersions(deps, tx, model, keys));
  const changed = changedSatellites(model, satelliteRows(deps.rows, model, shape, keys, dated), versions);
  if (current !== null && request.operation === 'create') refuseOther(model, draft, changed, current);
  const { end } = model.resource;
  const is_over = request.operation === 'delete' && previous !== null && hasEnded(end!.columns, previous.state.columns);
  if (changed.size === 0 || is_over) return null;
  outcome.is_new = current === null;
  const last = lastDate([...changed].flatMap((table) => versions.get(table)?.applied_date ?? []));
  const later = last === null || request.applied_from != null ? dated : stampAfter(dated, { applied_date: last });
  const stated = satelliteRows(deps.rows, model, shape, keys, later);
  const change: Change = {
    draft,
    hash_key: keys.hash_key,
    changed,
    before: previous?.state ?? null,
    after: stateOf(model, draft.columns, stated, later),
  };
  const rows = [
    ...(current === null ? entityRows(deps.rows, model, { id: draft.id, related: draft.references, keys }, stamp) : []),
    ...[...stated].flatMap(([table, each]) => (changed.has(table) ? each : [])),
    ...(hooks?.more_rows?.(deps, change, later) ?? []),
  ];
  return finish(input, change, rows, current);
};

/** Rows in force of satellites of another hub than the resource's own: they may exist before it. */
const attachedVersions = async <Deps extends EngineDeps>(
  { reader }: Deps,
  tx: Transaction,
  { satellites, entity }: ResourceModel<Deps>,
  keys: Keys,
): Promise<ReadonlyMap<string, RowVersion>> => {
  const versions = new Map<string, RowVersion>();
  for (const { satellite, key_column } of satellites.filter((each) => each.key_column !== entity.hash_key)) {
    const filter = { hash_keys: [keys.hubs[key_column]!] };
    const [row] = await reader.current(tx, satellite.table as SatelliteTable, filter);
    if (row !== undefined) versions.set(satellite.table, row as unknown as RowVersion);
  }
  return versions;
};

const lastDate = (dates: readonly string[]): string | null =>
  dates.toSorted((a, b) => (microInstant(a) < microInstant(b) ? -1 : 1)).at(-1) ?? null;

/** The present resource. @throws OneVaultError version_conflict, already_exists */
const currentOf = async <Deps extends EngineDeps>({ deps, model, request, place, tx, prepared }: ChangeInput<Deps>) => {
  if (request.operation === 'create' && model.resource.id === 'uuid') return null;
  const current = await findStored(deps, model, place, { tx });
  const etag = current === null ? null : etagOf(current.versions, current.references);
  if (current !== null && request.creates_only === true) {
    throw new OneVaultError('version_conflict', {
      details: 'It exists already, and If-None-Match: * allows only a creation.',
      context: { current_etag: etag, differing_fields: null },
    });
  }
  const { if_match } = request;
  if (if_match != null && (current === null || !namesEtag(if_match, etag!))) {
    if (current === null) throw notFound(model, place);
    throw await versionConflict(deps, model, current, if_match);
  }
  const { found } = prepared;
  const is_stale = found !== null && etag !== etagOf(found.versions, found.references);
  // The result of a hook belongs to the version that the hook saw.
  if (is_stale && model.resource.hooks?.before_write !== undefined && request.operation !== 'delete') {
    throw await versionConflict(deps, model, current!, etagOf(found.versions, found.references));
  }
  return current;
};

/** The draft, computed again if the state has changed since. */
const catchUp = async <Deps extends EngineDeps>(
  { deps, model, request, prepared }: ChangeInput<Deps>,
  current: Stored | null,
): Promise<Draft> => {
  const { draft, found } = prepared;
  if (found === null || current === null) return draft;
  if (etagOf(found.versions, found.references) === etagOf(current.versions, current.references)) return draft;
  const again = await prepareDraft(deps, model, request, {
    id: draft.id,
    references: draft.references,
    found: current,
  });
  return again.draft;
};

/** Accepts an equal request: it returns the existing resource. @throws OneVaultError already_exists for other content */
const refuseOther = <Deps extends EngineDeps>(
  { id, resource }: ResourceModel<Deps>,
  { references }: Draft,
  changed: ReadonlySet<string>,
  current: Stored,
): void => {
  const is_same = changed.size === 0 && JSON.stringify(references) === JSON.stringify(current.references);
  if (is_same) return;
  const name = id[0]!.name;
  const details = `There is a ${resource.kind.replaceAll('_', ' ')} ${Object.values(current.id).join('/')} with other content.`;
  throw new OneVaultError('already_exists', {
    param: name,
    details,
    faults: [{ path: `/${name}`, code: 'already_exists', message: details }],
  });
};

const stateOf = <Deps extends EngineDeps>(
  { satellites }: ResourceModel<Deps>,
  columns: Columns,
  stated: ReadonlyMap<string, readonly VaultRow[]>,
  { applied_date }: Stamp,
): State => ({
  columns,
  applied_from: applied_date,
  version: String(stated.get(satellites[0]!.satellite.table)?.[0]?.values.hash_diff),
});

/** Returns the change with its event; for a dry run, checks the rows and writes nothing. */
const finish = <Deps extends EngineDeps>(
  { deps, model, request, outcome, stamp }: ChangeInput<Deps>,
  change: Change,
  rows: readonly VaultRow[],
  current: Stored | null,
) => {
  const { draft, before, after } = change;
  const recorded =
    current === null ? { ...draft.references, ...logged(model, after.columns) } : logged(model, after.columns);
  const was = before === null ? null : logged(model, before.columns);
  const special = model.resource.hooks?.event?.(change) ?? {};
  if (request.is_dry_run !== true) {
    const event = request.events.change(was, 'after' in special ? null : recorded);
    return { rows, events: [{ ...event, ...special }] };
  }
  for (const { table, values } of rows) {
    const fault = deps.registry.entities.get(table)?.fault(values) ?? null;
    if (fault !== null) throw new OneVaultError('internal_error', { cause: new Error(`${table}: ${fault}`) });
  }
  request.events.rehearse(
    'before' in special ? (special.before ?? null) : was,
    'after' in special ? (special.after ?? null) : recorded,
  );
  outcome.rehearsed = { state: after, created_at: current?.created_at ?? instantOf(Date.parse(stamp.load_date)) };
  return null;
};

/** The columns that an event may contain. */
const logged = <Deps extends EngineDeps>({ satellites, unlogged }: ResourceModel<Deps>, columns: Columns): object => {
  const names = satellites.flatMap(({ satellite }) => satellite.payload.map(({ name }) => name));
  return Object.fromEntries(
    names.filter((name) => !unlogged.has(name) && Object.hasOwn(columns, name)).map((name) => [name, columns[name]]),
  );
};
