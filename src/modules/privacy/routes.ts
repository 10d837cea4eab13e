import { PAGE_QUERY } from '../../http/paging.ts';
import type { RouteResponse, Schema } from '../../http/route.ts';
import { arrayOf, INSTANT, INTEGER, nullable, OPEN_OBJECT, objectOf, TEXT, UUID } from '../../http/schemas.ts';
import type { ControlRoute } from '../../resources/serving/control-route.ts';
import type { ControlDeps } from '../deps.ts';
import contact from './contact.schema.json' with { type: 'json' };
import { getContact, getContactHistory, putContact } from './contacts.ts';
import { getErasureProof } from './erasure-proof.ts';
import decision from './privacy-decision.schema.json' with { type: 'json' };
import { getErasure, getExport, postErasure } from './privacy-routes.ts';

const CERTIFICATE: Schema = objectOf('ErasureCertificate', {
  id: UUID,
  subject: TEXT,
  reason: TEXT,
  requested_by: TEXT,
  erased_at: INSTANT,
  subject_key_id: nullable(UUID),
  states_erased: INTEGER,
  copies: objectOf(null, {
    status: { enum: ['none', 'worthless', 'pending'] },
    since: nullable(INSTANT),
    master_key_ids: arrayOf(TEXT),
    master_key_ids_left: arrayOf(TEXT),
  }),
  audit_event_id: UUID,
  proof: TEXT,
  statement: TEXT,
});

// A contact, a tombstone if it was erased, null if there never was one.
const CONTACT: Schema = nullable(OPEN_OBJECT);

const STATE: Schema = objectOf('ContactState', {
  applied_date: INSTANT,
  load_date: INSTANT,
  load_end_date: nullable(INSTANT),
  contact: CONTACT,
  erasure_id: nullable(UUID),
});

const SHOWN: Schema = objectOf('CustomerContact', {
  customer: TEXT,
  contact: CONTACT,
  since: nullable(INSTANT),
  erasure_id: nullable(UUID),
});

const one = (schema: Schema, description: string): RouteResponse => ({ schema, description });

const base = { plane: 'control', is_sensitive: true } as const;

export const PRIVACY_ROUTES: readonly ControlRoute<ControlDeps>[] = [
  {
    ...base,
    method: 'put',
    path: '/v1/customers/:slug/contact',
    aliases: ['/customers/:slug/contact'],
    operation_id: 'contact.write',
    summary: 'Replace the contact of a customer',
    permission: 'contact.write',
    action: 'contact.write',
    subject_kind: 'customer',
    subject: 'slug',
    body: { schema: contact },
    responses: { 200: one(SHOWN, 'The contact.'), 201: one(SHOWN, 'The first contact.') },
    if_match: 'required',
    serve: putContact,
  },
  {
    ...base,
    method: 'get',
    path: '/v1/customers/:slug/contact',
    aliases: ['/customers/:slug/contact'],
    operation_id: 'contact.read',
    summary: 'The contact of a customer, decrypted',
    permission: 'contact.read',
    action: 'contact.read',
    subject_kind: 'customer',
    subject: 'slug',
    responses: { 200: one(SHOWN, 'The contact.') },
    has_etag: true,
    serve: getContact,
  },
  {
    ...base,
    method: 'get',
    path: '/v1/customers/:slug/contact/history',
    aliases: ['/customers/:slug/contact/history'],
    operation_id: 'contact.history',
    summary: 'All states of the contact, oldest first',
    permission: 'contact.read',
    action: 'contact.read',
    subject_kind: 'customer',
    subject: 'slug',
    query: PAGE_QUERY,
    responses: { 200: { description: 'States.', schema: STATE, form: 'list' } },
    serve: getContactHistory,
  },
  {
    ...base,
    method: 'post',
    path: '/v1/privacy/erasures',
    aliases: ['/privacy/erasures'],
    outlives_transaction: true,
    operation_id: 'privacy.erase',
    summary: "Erase a subject's personal data",
    description: 'Art. 17 GDPR: the key that encrypts the data is destroyed.',
    permission: 'privacy.erase',
    action: 'privacy.erase',
    subject_kind: 'customer',
    body: { schema: decision },
    responses: {
      200: one(CERTIFICATE, 'The certificate of the erasure that was.'),
      201: one(CERTIFICATE, 'The certificate.'),
    },
    errors: { 404: 'There is no such subject.', 409: 'A legal hold keeps the data.' },
    serve: postErasure,
  },
  {
    ...base,
    method: 'get',
    path: '/v1/privacy/erasures/:id',
    aliases: ['/privacy/erasures/:id'],
    operation_id: 'privacy.read',
    summary: 'The certificate of an erasure',
    permission: 'privacy.read',
    action: 'privacy.read',
    subject_kind: 'erasure',
    subject: 'id',
    responses: { 200: one(CERTIFICATE, 'The certificate.') },
    serve: getErasure,
  },
  {
    ...base,
    method: 'get',
    path: '/v1/privacy/erasures/:id/proof',
    aliases: ['/privacy/erasures/:id/proof'],
    operation_id: 'privacy.prove',
    summary: 'The proof that an erasure is in the log',
    permission: 'privacy.prove',
    action: 'privacy.prove',
    subject_kind: 'erasure',
    subject: 'id',
    responses: {
      200: { description: 'C2SP tlog-proof.', schema: TEXT, form: 'bare', content_types: ['text/plain'] },
    },
    errors: { 409: 'No checkpoint covers it yet.' },
    serve: getErasureProof,
  },
  {
    ...base,
    method: 'get',
    path: '/v1/privacy/exports/:subject',
    aliases: ['/privacy/exports/:subject'],
    operation_id: 'privacy.export',
    summary: 'All stored data of a subject',
    description: 'Art. 15 GDPR.',
    permission: 'privacy.export',
    action: 'privacy.export',
    subject_kind: 'customer',
    subject: 'subject',
    query: { format: { schema: { enum: ['json', 'html'], default: 'json' }, description: 'The form of the file.' } },
    responses: {
      200: { description: 'A file.', schema: {}, form: 'bare', content_types: ['application/json', 'text/html'] },
    },
    serve: getExport,
  },
];
