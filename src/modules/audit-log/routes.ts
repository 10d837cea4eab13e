import { CURSOR_QUERY, PAGE_QUERY } from '../../http/paging.ts';
import { PERIOD_QUERY } from '../../http/period.ts';
import type { QueryParameter, RouteResponse } from '../../http/route.ts';
import { arrayOf, HASH, INSTANT, INTEGER, nullable, OPEN_OBJECT, objectOf, TEXT, UUID } from '../../http/schemas.ts';
import type { ControlRoute } from '../../resources/serving/control-route.ts';
import type { ControlDeps } from '../deps.ts';
import { listEntries } from './audit-entries.ts';
import { listEvents } from './audit-events.ts';
import { addCosignatures, getCheckpoint, getConsistency, getKeys } from './audit-log.ts';
import { getProof } from './audit-proof.ts';

const size = (description: string): QueryParameter => ({
  schema: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  description,
});
const text = (description: string): QueryParameter => ({ schema: { type: 'string', maxLength: 255 }, description });

const NOTE: RouteResponse = {
  description: 'A signed note (C2SP signed-note).',
  schema: TEXT,
  form: 'bare',
  content_types: ['text/plain'],
};
const POINT = objectOf('TreePoint', { tree_size: INTEGER, root_hash: nullable(TEXT) });

const KEY = objectOf('SigningKey', {
  key_id: TEXT,
  name: TEXT,
  verifier_key: TEXT,
  created_at: INSTANT,
  retired_at: nullable(INSTANT),
  first_size: nullable(INTEGER),
  last_size: nullable(INTEGER),
});

const ENTRY = objectOf('LogEntry', { index: INTEGER, leaf_hash: HASH, entry: nullable(TEXT), gone: nullable(TEXT) });

const EVENT = objectOf('AuditEvent', {
  event_id: UUID,
  occurred_at: INSTANT,
  actor_kind: TEXT,
  actor: TEXT,
  action: TEXT,
  subject_kind: TEXT,
  subject: nullable(TEXT),
  outcome: TEXT,
  reason: nullable(TEXT),
  before: nullable(OPEN_OBJECT),
  after: nullable(OPEN_OBJECT),
  request_id: nullable(UUID),
  request_ip: nullable(TEXT),
  user_agent: nullable(TEXT),
  event_count: INTEGER,
  customers: arrayOf(TEXT),
});

// Witnesses and verifiers need no API key: a log that only customers can read could show each of them another one. The
// responses are signed, and contain only sizes, hashes and public keys.
const PUBLIC = { method: 'get', plane: 'control', permission: null, action: 'audit.read' } as const;

export const AUDIT_LOG_ROUTES: readonly ControlRoute<ControlDeps>[] = [
  {
    ...PUBLIC,
    path: '/v1/audit/checkpoint',
    operation_id: 'audit.checkpoint',
    summary: 'The newest signed checkpoint, or the one of a size',
    subject_kind: 'checkpoint',
    query: { size: size('The tree size of a checkpoint.') },
    responses: { 200: NOTE },
    errors: { 404: 'There is no such checkpoint.' },
    serve: getCheckpoint,
  },
  {
    ...PUBLIC,
    path: '/v1/audit/keys',
    operation_id: 'audit.keys',
    summary: 'All public keys of the log, past ones included',
    subject_kind: 'signing_key',
    query: PAGE_QUERY,
    responses: { 200: { description: 'Keys.', schema: KEY, form: 'list' } },
    serve: getKeys,
  },
  {
    ...PUBLIC,
    path: '/v1/audit/consistency',
    operation_id: 'audit.consistency',
    summary: 'The proof that the tree of one checkpoint is a prefix of another',
    subject_kind: 'checkpoint',
    query: {
      from: size('The tree size of the first one.'),
      to: size('That of the second one; the newest unless given.'),
    },
    responses: {
      200: {
        description: 'The hashes of the proof (RFC 6962), base64.',
        schema: objectOf('ConsistencyProof', { origin: TEXT, from: POINT, to: POINT, hashes: arrayOf(TEXT) }),
      },
    },
    errors: { 404: 'There is no such checkpoint.' },
    serve: getConsistency,
  },
  {
    ...PUBLIC,
    method: 'post',
    path: '/v1/audit/cosignatures',
    operation_id: 'audit.cosign',
    summary: 'Add signatures of witnesses to a checkpoint',
    action: 'audit.cosign',
    subject_kind: 'checkpoint',
    body: { schema: TEXT, content_types: ['text/plain'] },
    responses: {
      200: {
        description: 'The present signatures.',
        schema: objectOf('Cosignatures', { tree_size: INTEGER, witnesses: arrayOf(TEXT) }),
      },
    },
    serve: addCosignatures,
  },
  {
    method: 'get',
    plane: 'control',
    path: '/v1/audit/proof/:request_id',
    operation_id: 'audit.prove',
    summary: 'The proof that a call is in the log',
    permission: 'audit.prove',
    action: 'audit.prove',
    subject_kind: 'request',
    subject: 'request_id',
    responses: { 200: NOTE },
    errors: { 409: 'No checkpoint covers it yet.' },
    is_sensitive: true,
    serve: getProof,
  },
  {
    method: 'get',
    plane: 'control',
    path: '/v1/audit/entries',
    operation_id: 'audit.entries',
    summary: 'The leaves of the log that the newest checkpoint covers',
    permission: 'audit.read',
    action: 'audit.read',
    subject_kind: 'entry',
    query: { from: size('The first index.'), to: size('The index after the last one.'), ...CURSOR_QUERY },
    responses: { 200: { description: 'Leaves.', schema: ENTRY, form: 'list' } },
    is_sensitive: true,
    serve: listEntries,
  },
  {
    method: 'get',
    plane: 'control',
    path: '/v1/audit/events',
    operation_id: 'audit.events',
    summary: 'Audit events of writes and reads',
    description: 'Customers see the events that concern them (45 CFR 164.528).',
    permission: 'audit.read',
    action: 'audit.read',
    subject_kind: 'event',
    query: {
      ...PERIOD_QUERY,
      actor: text('Who acted: the id of a key, or a name.'),
      action: text('As customer.create.'),
      customer: text('Whose data was changed or shown: its slug.'),
      ...CURSOR_QUERY,
    },
    responses: { 200: { description: 'Events, oldest first.', schema: EVENT, form: 'list' } },
    is_sensitive: true,
    serve: listEvents,
  },
];
