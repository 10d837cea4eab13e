import { instantOf } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import { instantParameter } from '../../http/formats.ts';
import { list, single } from '../../http/outcome.ts';
import { PAGE_QUERY, sliceOf } from '../../http/paging.ts';
import { arrayOf, HASH, INSTANT, OPEN_OBJECT, objectOf, TEXT } from '../../http/schemas.ts';
import { readKnown } from '../../resources/reading/read-known.ts';
import type { ControlRequest, EventDraft } from '../../resources/serving/control-route.ts';
import { describeVault } from '../../vault/dictionary.ts';
import type { Entity, Hub, Link } from '../../vault/entity.ts';
import { findKeyRows, keyColumns, keyOfParts, type NamedKey, wasLoaded } from '../../vault/lookup.ts';
import { relatedKeys } from '../../vault/related-keys.ts';
import type { SatelliteTable } from '../../vault/rows.ts';
import { controlRoute } from '../control-route.ts';
import type { ControlDeps } from '../deps.ts';

const HEAD = { entity: TEXT, kind: { enum: ['hub', 'link', 'satellite'] }, business_key: OPEN_OBJECT, hash_key: HASH };
const ROWS = { withheld: arrayOf(TEXT), rows: arrayOf(OPEN_OBJECT) };

const base = {
  method: 'get',
  plane: 'control',
  permission: 'vault.read',
  subject_kind: 'entity',
  is_sensitive: true,
} as const;

/** `GET /vault/entities`: the data dictionary. */
export const listEntities = controlRoute(
  {
    ...base,
    path: '/v1/vault/entities',
    aliases: ['/vault/entities'],
    operation_id: 'vault.list',
    summary: 'The data dictionary: every table and column of the vault',
    action: 'vault.list',
    query: PAGE_QUERY,
    responses: { 200: { description: 'Tables.', schema: { title: 'VaultEntity', ...OPEN_OBJECT }, form: 'list' } },
  },
  ({ registry }) => {
    const entities = describeVault(registry);
    return ({ query }) => {
      const { data, pagination } = sliceOf(entities, query);
      return list(data, pagination);
    };
  },
);

/**
 * `GET /vault/{entity}/{business_key}?applied=&known=`: the state at `applied` as known at `known`, both now by
 * default. For a hub or link, its own row.
 */
export const getEntity = controlRoute(
  {
    ...base,
    path: '/v1/vault/:entity/:business_key',
    aliases: ['/vault/:entity/:business_key'],
    operation_id: 'vault.read',
    summary: 'The state of a key at one instant, as known at another',
    description: 'The keys of a link are separated by commas.',
    action: 'vault.read',
    query: {
      applied: instantParameter('When it held; `known` unless given.'),
      known: instantParameter('When it was known; now unless given.'),
    },
    responses: {
      200: {
        description: 'The rows, without secret columns.',
        schema: objectOf('VaultState', { ...HEAD, applied: INSTANT, known: INSTANT, ...ROWS }),
      },
    },
  },
  (deps) => async (request) => {
    const { entity, keyed, key } = findTarget(deps, request);
    const known = await readKnown(deps, request.query);
    const applied = request.query.applied ?? known;
    const rows = await readAsOf(deps, entity, key, { applied, known });
    if (rows.length === 0) await refuseUnknownKey(deps, keyed, key);
    await nameCustomers(deps, request.draft, keyed, key);
    return single({ ...head(entity, key), applied, known, ...present(entity, rows) });
  },
);

/** `GET /vault/{entity}/{business_key}/history`: every state of a satellite, oldest first, as known now. */
export const getHistory = controlRoute(
  {
    ...base,
    path: '/v1/vault/:entity/:business_key/history',
    aliases: ['/vault/:entity/:business_key/history'],
    operation_id: 'vault.history',
    summary: 'All states of a satellite, oldest first',
    action: 'vault.read',
    responses: {
      200: { description: 'The rows, without secret columns.', schema: objectOf('VaultHistory', { ...HEAD, ...ROWS }) },
    },
  },
  (deps) => async (request) => {
    const { entity, keyed, key } = findTarget(deps, request);
    if (entity.kind !== 'satellite') {
      throw badPath('entity', `${entity.table} is a ${entity.kind} and never changes; its satellites have a history.`);
    }
    const rows = await deps.reader.history(deps.sql, entity.table as SatelliteTable, key.hash_key);
    if (rows.length === 0) await refuseUnknownKey(deps, keyed, key);
    await nameCustomers(deps, request.draft, keyed, key);
    return single({ ...head(entity, key), ...present(entity, rows) });
  },
);

interface Target {
  readonly entity: Entity;
  /** The hub or link of the key. */
  readonly keyed: Hub | Link;
  readonly key: NamedKey;
}

const nameCustomers = async (
  { sql, registry }: ControlDeps,
  draft: EventDraft,
  keyed: Hub | Link,
  key: NamedKey,
): Promise<void> => {
  draft.shows(await relatedKeys(sql, registry, keyed, key, registry.hub('customer_h')));
};

const findTarget = ({ registry }: ControlDeps, { ctx, draft }: Pick<ControlRequest, 'ctx' | 'draft'>): Target => {
  // The encoded path: a comma within a key arrives as %2C and separates nothing.
  const [, , table = '', sent_key = ''] = ctx.path.replace(/^\/v1/, '').split('/');
  draft.about(`${table}/${sent_key}`);
  const entity = registry.entities.get(table);
  if (entity === undefined) {
    throw new OneVaultError('not_found', {
      param: 'entity',
      details: `The vault has no entity ${table}; GET /vault/entities lists them.`,
    });
  }
  const keyed = keyedEntity(registry, entity);
  const columns = keyColumns(registry, keyed);
  const parts = sent_key.split(',');
  if (parts.length !== columns.length) {
    const names = columns.map((each) => `${each.table}.${each.column.name}`).join(', ');
    throw badKey(
      `${entity.table} is found by ${names}: ${columns.length} ${columns.length === 1 ? 'part' : 'parts'}, ` +
        `separated by commas (a comma within a part is written %2C); ${parts.length} came.`,
    );
  }
  try {
    return { entity, keyed, key: keyOfParts(registry, keyed, parts.map(decodeURIComponent)) };
  } catch (cause) {
    throw badKey(`The key cannot be read: ${(cause as Error).message}.`, cause);
  }
};

const badKey = (details: string, cause?: unknown): OneVaultError => badPath('business_key', details, cause);

const badPath = (param: string, details: string, cause?: unknown): OneVaultError =>
  new OneVaultError('invalid_request', {
    param,
    details,
    cause,
    faults: [{ path: `path.${param}`, code: 'not_allowed', message: details }],
  });

const keyedEntity = (registry: ControlDeps['registry'], entity: Entity): Hub | Link =>
  entity.kind === 'satellite' ? (registry.entities.get(entity.parent) as Hub | Link) : entity;

const readAsOf = async (
  deps: ControlDeps,
  entity: Entity,
  key: NamedKey,
  at: { readonly applied: string; readonly known: string },
): Promise<readonly object[]> => {
  const { sql, registry, reader } = deps;
  if (!(await wasLoaded(sql, registry, entity, key, at.known))) return [];
  if (entity.kind !== 'satellite') return findKeyRows(sql, registry, entity, key, at.known);
  return reader.asOf(sql, entity.table as SatelliteTable, { ...at, hash_keys: [key.hash_key] });
};

/** No state at that instant is a valid result; an unknown key is an error. */
const refuseUnknownKey = async (
  { sql, registry, clock }: ControlDeps,
  keyed: Hub | Link,
  key: NamedKey,
): Promise<void> => {
  const rows = await findKeyRows(sql, registry, keyed, key, instantOf(clock.now()));
  if (rows.length > 0) return;
  const named = Object.values(key.business_key).join(', ');
  throw new OneVaultError('not_found', {
    param: 'business_key',
    details: `${keyed.table} has no row for ${named}.`,
  });
};

const head = (entity: Entity, { business_key, hash_key }: NamedKey) => ({
  entity: entity.table,
  kind: entity.kind,
  business_key,
  hash_key,
});

/** Rows without their secret columns, which `withheld` names. */
const present = (entity: Entity, rows: readonly object[]) => {
  const withheld = entity.columns.filter(({ privacy }) => privacy === 'secret').map(({ name }) => name);
  const isShown = ([name]: [string, unknown]): boolean => !withheld.includes(name);
  return { withheld, rows: rows.map((row) => Object.fromEntries(Object.entries(row).filter(isShown))) };
};
