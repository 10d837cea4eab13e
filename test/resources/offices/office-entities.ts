const SCHEMA = 'https://json-schema.org/draft/2020-12/schema';
const TEXT = { 'x-type': 'text', type: 'string', maxLength: 100, pattern: '^[^\\u0000\\p{Cs}]*$' };

/** The hub, the link and the satellite of the new resource, by file. */
export const OFFICE_ENTITIES = {
  'hubs/office_h': {
    $schema: SCHEMA,
    title: 'Office',
    description: 'An office of a customer.',
    'x-vault': {
      kind: 'hub',
      schema: 'gateway',
      owner: 'customer',
      hash_key: 'office_hk',
      business_key: ['office_bk'],
    },
    type: 'object',
    properties: { office_bk: { description: 'Slug of the office.', ...TEXT } },
    required: ['office_bk'],
    additionalProperties: false,
  },
  'links/office_customer_l': {
    $schema: SCHEMA,
    title: 'Office of a customer',
    description: 'Customer that an office belongs to.',
    'x-vault': {
      kind: 'link',
      schema: 'gateway',
      owner: 'customer',
      hash_key: 'office_customer_link_hk',
      hubs: ['office_h', 'customer_h'],
    },
    type: 'object',
    properties: {},
    required: [],
    additionalProperties: false,
  },
  'satellites/office_s': {
    $schema: SCHEMA,
    title: 'Office details',
    description: 'State of an office.',
    'x-vault': {
      kind: 'satellite',
      schema: 'gateway',
      owner: 'customer',
      parent: 'office_h',
      flavour: 'state',
      privacy: 'confidential',
      export: { section: 'offices', title: 'Offices', purpose: 'contract', states: 'history' },
    },
    type: 'object',
    properties: {
      title: { description: 'Name of the office.', ...TEXT, minLength: 1 },
      office_status: {
        description: 'State of the office.',
        'x-type': 'text',
        type: 'string',
        enum: ['OPEN', 'MOVING', 'CLOSED'],
      },
      desks: {
        description: 'Number of desks; null: unknown.',
        'x-type': 'integer',
        type: ['integer', 'null'],
        minimum: 0,
        maximum: 10_000,
      },
      rent: {
        description: 'Rent of a month.',
        'x-type': 'decimal',
        type: 'string',
        pattern: '^(0|[1-9][0-9]{0,9})(\\.[0-9]{1,2})?$',
      },
      has_lift: { description: 'Whether it has a lift.', 'x-type': 'boolean', type: 'boolean' },
      floor_plan: { description: 'Rooms by name.', 'x-type': 'json', type: 'object' },
      languages: {
        description: 'Languages that are spoken there.',
        'x-type': 'text[]',
        type: 'array',
        maxItems: 5,
        items: { type: 'string', maxLength: 20, pattern: '^[^\\u0000\\p{Cs}]*$' },
      },
      built_on: { description: 'Day.', 'x-type': 'date', type: ['string', 'null'], format: 'day' },
      opened_at: { description: 'Instant.', 'x-type': 'instant', type: ['string', 'null'], format: 'instant' },
      door_code: { description: 'Code of the door.', ...TEXT, type: ['string', 'null'], 'x-privacy': 'secret' },
      caretaker: { description: 'Name of the caretaker.', ...TEXT, type: ['string', 'null'], 'x-privacy': 'personal' },
    },
    required: [
      ...['title', 'office_status', 'desks', 'rent', 'has_lift', 'floor_plan', 'languages'],
      ...['built_on', 'opened_at', 'door_code', 'caretaker'],
    ],
    additionalProperties: false,
  },
} as const;

/** The one migration. */
export const OFFICE_MIGRATION = `
create table gateway.office_h (
  office_hk bytea not null,
  load_date timestamptz not null,
  office_bk text not null,
  record_source text not null,
  primary key (office_hk)
);
select util.finish_hub('gateway.office_h');
create table gateway.office_customer_l (
  office_customer_link_hk bytea not null,
  load_date timestamptz not null,
  office_hk bytea not null,
  customer_hk bytea not null,
  record_source text not null,
  primary key (office_customer_link_hk)
);
create index on gateway.office_customer_l (office_hk);
select util.guard('gateway.office_customer_l');
create table gateway.office_s (
  office_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  title text not null,
  office_status text not null,
  desks integer,
  rent numeric not null,
  has_lift boolean not null,
  floor_plan jsonb not null,
  languages text[] not null,
  built_on date,
  opened_at timestamptz,
  door_code text,
  caretaker text,
  record_source text not null,
  primary key (office_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('gateway.office_s', 'office_hk', 'state');
`;
