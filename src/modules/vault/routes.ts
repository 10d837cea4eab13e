import { instantParameter } from '../../http/formats.ts';
import { PAGE_QUERY } from '../../http/paging.ts';
import { arrayOf, HASH, INSTANT, OPEN_OBJECT, objectOf, TEXT } from '../../http/schemas.ts';
import type { ControlRoute } from '../../resources/serving/control-route.ts';
import type { ControlDeps } from '../deps.ts';
import { getEntity, getHistory, listEntities } from './vault.ts';

const HEAD = { entity: TEXT, kind: { enum: ['hub', 'link', 'satellite'] }, business_key: OPEN_OBJECT, hash_key: HASH };
const ROWS = { withheld: arrayOf(TEXT), rows: arrayOf(OPEN_OBJECT) };

const base = {
  method: 'get',
  plane: 'control',
  permission: 'vault.read',
  subject_kind: 'entity',
  is_sensitive: true,
} as const;

export const VAULT_ROUTES: readonly ControlRoute<ControlDeps>[] = [
  {
    ...base,
    path: '/v1/vault/entities',
    aliases: ['/vault/entities'],
    operation_id: 'vault.list',
    summary: 'The data dictionary: every table and column of the vault',
    action: 'vault.list',
    query: PAGE_QUERY,
    responses: { 200: { description: 'Tables.', schema: { title: 'VaultEntity', ...OPEN_OBJECT }, form: 'list' } },
    serve: listEntities,
  },
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
    serve: getEntity,
  },
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
    serve: getHistory,
  },
];
