import type { RouteResponse, Schema } from '../../http/route.ts';
import { arrayOf, INSTANT, INTEGER, nullable, OPEN_OBJECT, objectOf, TEXT, UUID } from '../../http/schemas.ts';

/** Common part of the contracts that concern personal data. */
export const PERSONAL = { plane: 'control', is_sensitive: true } as const;

export const CERTIFICATE: Schema = objectOf('ErasureCertificate', {
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

export const one = (schema: Schema, description: string): RouteResponse => ({ schema, description });

/** A decision about a subject's data: to erase it, or to keep it from being erased. */
export const DECISION = {
  title: 'PrivacyDecision',
  description: "What is decided about a subject's data: to erase it, or to keep it from being erased.",
  type: 'object',
  additionalProperties: false,
  required: ['subject', 'reason'],
  properties: {
    subject: { description: 'Slug of a customer.', type: 'string', minLength: 1, maxLength: 63 },
    reason: { type: 'string', minLength: 1, maxLength: 500 },
  },
} as const;

const LINE = { type: 'string', minLength: 1, maxLength: 200, pattern: '^[^\\p{Cc}\\p{Cs}]*$' } as const;

const ADDRESS = {
  type: 'object',
  additionalProperties: false,
  required: ['lines', 'city', 'country'],
  properties: {
    recipient: LINE,
    lines: { type: 'array', minItems: 1, maxItems: 5, items: LINE },
    postal_code: { type: 'string', minLength: 1, maxLength: 20, pattern: '^[^\\p{Cc}\\p{Cs}]*$' },
    city: LINE,
    region: LINE,
    country: { description: 'ISO 3166-1, two letters.', type: 'string', pattern: '^[A-Z]{2}$' },
  },
} as const;

/** The personal data of a customer. */
export const CONTACT = {
  title: 'Contact',
  description: 'The personal data that is kept of a customer: whom to write to, and where.',
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  properties: {
    legal_name: LINE,
    people: {
      description: 'Whom to write to, and about what; data_protection is who answers for data protection.',
      type: 'array',
      minItems: 1,
      maxItems: 20,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['role', 'name'],
        properties: {
          role: { enum: ['primary', 'billing', 'technical', 'security', 'legal', 'data_protection'] },
          name: LINE,
          email: { type: 'string', format: 'email', maxLength: 254 },
          phone: { type: 'string', pattern: '^\\+?[0-9][0-9 ()./-]{2,38}$' },
        },
      },
    },
    postal_address: ADDRESS,
    billing_address: ADDRESS,
  },
} as const;

// A contact, a tombstone if it was erased, null if there never was one.
const SHOWN_CONTACT: Schema = nullable(OPEN_OBJECT);

export const CONTACT_STATE: Schema = objectOf('ContactState', {
  applied_date: INSTANT,
  load_date: INSTANT,
  load_end_date: nullable(INSTANT),
  contact: SHOWN_CONTACT,
  erasure_id: nullable(UUID),
});

export const CUSTOMER_CONTACT: Schema = objectOf('CustomerContact', {
  customer: TEXT,
  contact: SHOWN_CONTACT,
  since: nullable(INSTANT),
  erasure_id: nullable(UUID),
});
