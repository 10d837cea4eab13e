/** By type of a column, its types in PostgreSQL and in JSON. */
export const COLUMN_TYPES = {
  text: { postgres: 'text', json: 'string' },
  uuid: { postgres: 'uuid', json: 'string' },
  integer: { postgres: 'integer', json: 'integer' },
  bigint: { postgres: 'bigint', json: 'integer' },
  decimal: { postgres: 'numeric', json: 'string' },
  boolean: { postgres: 'boolean', json: 'boolean' },
  instant: { postgres: 'timestamp with time zone', json: 'string' },
  date: { postgres: 'date', json: 'string' },
  bytes: { postgres: 'bytea', json: 'string' },
  json: { postgres: 'jsonb', json: null },
  'text[]': { postgres: 'text[]', json: 'array' },
} as const;

/**
 * text: string · uuid: string, lower case · integer: int4 · bigint: int8, a safe integer · decimal: decimal
 * string · boolean · instant: ISO 8601 text, UTC, `Z` · date: `YYYY-MM-DD` · bytes: lower-case hex ·
 * json: a value whose numbers are safe integers · text[]: strings
 */
export type ColumnType = keyof typeof COLUMN_TYPES;

export type ColumnRole = 'hash_key' | 'hub_key' | 'business_key' | 'dependent_key' | 'payload' | 'standard';

/** The readers of a value. A `secret` column is shown to no one: it gives access or opens sealed data. */
export type Privacy = 'public' | 'internal' | 'confidential' | 'personal' | 'secret';

/**
 * Owner of a table's rows: a customer, whose exports and bundles contain them; a person, whose data an erasure makes
 * unreadable; or the platform.
 */
export type Owner = 'customer' | 'person' | 'platform';

/** Section of a satellite in the export of all data about a customer (Art. 15 GDPR). */
export interface SubjectExport {
  readonly section: string;
  readonly title: string;
  /** Purpose of the data. */
  readonly purpose: ExportPurpose;
  /** Exported rows: every state with its end, the states in force, or the rows of the table. */
  readonly states: 'history' | 'current' | 'rows';
  /** Columns about others than the customer. */
  readonly omit?: readonly string[];
}

/** In the order of an export's sections. */
export const EXPORT_PURPOSES = ['contract', 'duty', 'call', 'security'] as const;

export type ExportPurpose = (typeof EXPORT_PURPOSES)[number];

/** The hub of the owners of rows. */
export const CUSTOMER_HUB = 'customer_h';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly is_nullable: boolean;
  /** True if the column came when rows existed. Its null is not hashed, so that they keep their hash diffs. */
  readonly is_added: boolean;
  readonly role: ColumnRole;
  readonly description: string;
  readonly privacy: Privacy;
}

interface EntityBase {
  readonly table: string;
  readonly schema: string;
  /** `schema.table`, its name in SQL. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** The column that holds the entity's own key or, in a satellite, its parent's. */
  readonly hash_key: string;
  /** Every column in the order the loader writes them. */
  readonly columns: readonly Column[];
  /** The columns of the table's primary key, in its order. */
  readonly primary_key: readonly string[];
  readonly partition: 'daily' | null;
  /** The retention class of its partitions; null: they are kept for ever. */
  readonly retention: string | null;
  readonly privacy: Exclude<Privacy, 'secret'>;
  readonly owner: Owner;
  /** The JSON Schema (2020-12) of a whole row, standard columns included. */
  readonly row_schema: Readonly<Record<string, unknown>>;
  /** The faults of a row in one line that names each faulty column; null if it is valid. */
  fault(row: unknown): string | null;
  /** The same for a row with hashes of a `RowBuilder`, which it does not check. */
  faultOfContent(row: unknown): string | null;
}

export interface Hub extends EntityBase {
  readonly kind: 'hub';
  readonly business_key: readonly Column[];
}

export interface Link extends EntityBase {
  readonly kind: 'link';
  /** The related hubs, in the order of its key's hash. */
  readonly hubs: readonly { readonly table: string; readonly column: string }[];
  readonly dependent_key: Column | null;
}

export type Flavour = 'state' | 'event' | 'multi-active' | 'effectivity' | 'tracking';

export interface Satellite extends EntityBase {
  readonly kind: 'satellite';
  readonly parent: string;
  /**
   * state: valid from applied_date on · event: a fact, once · multi-active: a set of rows that is valid together ·
   * effectivity: start and end of a relation · tracking: presence of a key in each source.
   */
  readonly flavour: Flavour;
  /** The columns within which a later row replaces an earlier one: the hash key, and the source for tracking. */
  readonly state_key: readonly string[];
  /** The hub keys of the parent link that have one partner at a time; empty for other flavours than effectivity. */
  readonly driving_key: readonly string[];
  /** The columns that distinguish the rows of a multi-active set; empty for other flavours. */
  readonly sub_key: readonly string[];
  /** Null unless the owner is customer: the platform's data is not exported, and a person's is decrypted for it. */
  readonly subject_export: SubjectExport | null;
  /** The columns that the hash diff covers, in name order (UTF-16 code units). */
  readonly payload: readonly Column[];
}

export type Entity = Hub | Link | Satellite;

/** The key that stands for "unknown" in every hub and satellite: 32 zero bytes. */
export const GHOST_KEY = '0'.repeat(64);
