import {
  COLUMN_TYPES,
  type Column,
  type ColumnRole,
  type ColumnType,
  type Entity,
  type Flavour,
  type Owner,
  type Privacy,
  type SubjectExport,
} from './entity.ts';

type Property = Readonly<Record<string, unknown>> & {
  readonly 'x-type'?: ColumnType;
  readonly 'x-privacy'?: Privacy;
  /** True for a column that came when rows existed: see vault/README.md. */
  readonly 'x-added'?: true;
  readonly description?: string;
};

/** An entity's JSON Schema on disk. */
export interface EntityFile {
  readonly title?: string;
  readonly description?: string;
  readonly 'x-vault': VaultFacts;
  readonly properties?: Readonly<Record<string, Property>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
}

export interface VaultFacts {
  readonly kind: Entity['kind'];
  readonly schema: string;
  readonly hash_key?: string;
  readonly business_key?: readonly string[];
  readonly hubs?: readonly string[];
  readonly dependent_key?: string;
  readonly parent?: string;
  readonly flavour?: Flavour;
  readonly sub_key?: readonly string[];
  readonly driving_key?: readonly string[];
  readonly partition?: 'daily';
  readonly retention?: string;
  readonly privacy?: Entity['privacy'];
  readonly owner?: Owner;
  readonly export?: SubjectExport;
}

export type Files = ReadonlyMap<string, EntityFile>;

// Names are unquoted in SQL, so no other character is allowed.
const NAME = /^[a-z][a-z0-9_]{0,62}$/;
const SUFFIX_OF_KIND = { hub: '_h', link: '_l', satellite: '_s' } as const;
const PRIVACY = ['public', 'internal', 'confidential', 'personal'];
const COLUMN_PRIVACY = [...PRIVACY, 'secret'];
const FLAVOURS = ['state', 'event', 'multi-active', 'effectivity', 'tracking'];
// These flavours have a column of their own, which views and readers use.
const FLAG_OF_FLAVOUR: Readonly<Record<string, string>> = {
  effectivity: 'is_effective',
  tracking: 'is_present',
};

/** Every fault of one entity file, alone and against the others. */
export const faultsOfFile = (table: string, file: EntityFile, files: Files): string[] => {
  const faults: string[] = [];
  const facts = file['x-vault'];
  const check = (holds: boolean, fault: string): void => {
    if (!holds) faults.push(`${table}: ${fault}`);
  };
  if (facts === undefined) return [`${table}: x-vault is missing`];
  check(NAME.test(table), 'the table name must be lower-case snake_case');
  check(NAME.test(facts.schema ?? ''), 'x-vault.schema is missing or not a name');
  check(table.endsWith(SUFFIX_OF_KIND[facts.kind] ?? ' '), `a ${facts.kind} ends in ${SUFFIX_OF_KIND[facts.kind]}`);
  check(Boolean(file.title) && Boolean(file.description), 'title and description are needed');
  check(file.additionalProperties === false, 'additionalProperties must be false');
  check(
    facts.retention === undefined || (NAME.test(facts.retention) && facts.partition !== undefined),
    'x-vault.retention must be a name, of a table that is partitioned',
  );
  for (const [name, property] of Object.entries(file.properties ?? {})) {
    check(NAME.test(name), `${name} is not a column name`);
    check(Boolean(property.description), `${name} has no description`);
    check(file.required?.includes(name) === true, `${name} must stand in required (null says that it is empty)`);
    check(
      COLUMN_PRIVACY.includes(property['x-privacy'] ?? 'internal'),
      `${name}: x-privacy must be one of ${COLUMN_PRIVACY.join(', ')}`,
    );
    check(
      property['x-added'] === undefined || (facts.kind === 'satellite' && [property.type].flat().includes('null')),
      `${name}: x-added is for a column of a satellite that may be null`,
    );
    const fault = faultOfType(property);
    check(fault === null, `${name} ${fault}`);
  }
  faults.push(...faultsOfKind(table, file, files));
  return faults;
};

const faultOfType = (property: Property): string | null => {
  const type = property['x-type'];
  if (type === undefined || !Object.hasOwn(COLUMN_TYPES, type)) return `has no known x-type: ${type}`;
  const wanted = COLUMN_TYPES[type].json;
  const given = [property.type].flat().filter((name) => name !== 'null');
  if (given.length !== 1) return 'must have one type, and "null" where it may be empty';
  if (wanted !== null && given[0] !== wanted) return `is ${type}, so its type must be "${wanted}"`;
  return null;
};

const faultsOfKind = (table: string, file: EntityFile, files: Files): string[] => {
  const facts = file['x-vault'];
  const columns = Object.keys(file.properties ?? {});
  const faults: string[] = [];
  const check = (holds: boolean, fault: string): void => {
    if (!holds) faults.push(`${table}: ${fault}`);
  };
  if (facts.kind !== 'satellite') check(NAME.test(facts.hash_key ?? ''), 'x-vault.hash_key is missing');
  if (facts.kind === 'hub') {
    check(sameMembers(facts.business_key, columns), 'a hub holds the columns of x-vault.business_key and no other');
  }
  if (facts.kind === 'link') {
    check((facts.hubs?.length ?? 0) >= 2, 'x-vault.hubs names at least two hubs');
    for (const hub of facts.hubs ?? []) {
      check(files.get(hub)?.['x-vault'].kind === 'hub', `x-vault.hubs names ${hub}, which is no hub`);
    }
    const dependent = facts.dependent_key === undefined ? [] : [facts.dependent_key];
    check(sameMembers(dependent, columns), 'a link holds its dependent key and no other column');
  }
  if (facts.kind === 'satellite') {
    const parent = files.get(facts.parent ?? '')?.['x-vault'];
    check(parent?.kind === 'hub' || parent?.kind === 'link', `x-vault.parent ${facts.parent} is no hub or link`);
    check(FLAVOURS.includes(facts.flavour ?? ''), `x-vault.flavour must be one of ${FLAVOURS.join(', ')}`);
    check(PRIVACY.includes(facts.privacy ?? ''), `x-vault.privacy must be one of ${PRIVACY.join(', ')}`);
    const sub_key = facts.sub_key ?? [];
    check(
      (facts.flavour === 'multi-active') === sub_key.length > 0,
      'x-vault.sub_key belongs to multi-active satellites',
    );
    for (const name of sub_key) {
      // Numbers sort alike everywhere; text does not, and the set's hash diff depends on the order.
      check(file.properties?.[name]?.['x-type'] === 'integer', `sub key ${name} must be an integer column`);
    }
    const flag = FLAG_OF_FLAVOUR[facts.flavour ?? ''];
    check(
      flag === undefined || file.properties?.[flag]?.type === 'boolean',
      `a satellite of flavour ${facts.flavour} has a boolean column ${flag}`,
    );
    const driving_key = facts.driving_key ?? [];
    check(
      (facts.flavour === 'effectivity') === driving_key.length > 0,
      'x-vault.driving_key belongs to effectivity satellites',
    );
    for (const hub of driving_key) {
      check(parent?.hubs?.includes(hub) === true, `x-vault.driving_key names ${hub}, which the parent does not relate`);
    }
  }
  return faults;
};

const sameMembers = (given: readonly string[] | undefined, columns: readonly string[]): boolean =>
  given !== undefined && given.length === columns.length && given.every((name) => columns.includes(name));

const HASH = { type: 'string', pattern: '^[0-9a-f]{64}$' };
const INSTANT = { type: 'string', format: 'instant' };
const RECORD_SOURCE = { type: 'string', minLength: 1, maxLength: 100, pattern: '^[^\\u0000\\p{Cs}]*$' };

interface Draft {
  readonly column: Column;
  readonly schema: Readonly<Record<string, unknown>>;
}

/**
 * The entity of a valid file.
 * @param compile turns the JSON Schema of a whole row into its validator
 */
export const buildEntity = (
  table: string,
  file: EntityFile,
  files: Files,
  compile: (row_schema: object) => (row: unknown) => string | null,
): Entity => {
  const facts = file['x-vault'];
  const drafts = draftsOf(file, files);
  const columns = drafts.map((draft) => draft.column);
  const row_schema = {
    title: table,
    description: file.description,
    type: 'object',
    properties: Object.fromEntries(
      drafts.map(({ column, schema }) => [column.name, { ...schema, description: column.description }]),
    ),
    required: columns.map((column) => column.name),
    additionalProperties: false,
  };
  const twice = columns.find(({ name }, at) => columns.findIndex((column) => column.name === name) < at);
  if (twice !== undefined) throw new RangeError(`${twice.name} stands twice, or is a standard column`);
  const hash_key = columns[0]!.name;
  const base = {
    table,
    schema: facts.schema,
    name: `${facts.schema}.${table}`,
    title: file.title ?? table,
    description: file.description ?? '',
    hash_key,
    columns,
    partition: facts.partition ?? null,
    retention: facts.retention ?? null,
    privacy: facts.privacy ?? 'internal',
    owner: facts.owner!,
    row_schema,
    fault: compile(row_schema),
    faultOfContent: compile({
      ...row_schema,
      properties: Object.fromEntries(
        drafts.map(({ column, schema }) => [column.name, isComputed(column) ? {} : schema]),
      ),
    }),
  };
  // In order of time, a batch goes to the end of the index, for any size of the table.
  const dated_key = ['load_date', hash_key];
  const whole_key = base.partition === null ? [hash_key] : dated_key;
  const role = (wanted: ColumnRole) => columns.filter((column) => column.role === wanted);
  switch (facts.kind) {
    case 'hub':
      return { ...base, kind: 'hub', primary_key: whole_key, business_key: role('business_key') };
    case 'link': {
      const hubs = (facts.hubs ?? []).map((hub) => ({ table: hub, column: hashKeyOf(files, hub) }));
      return {
        ...base,
        kind: 'link',
        primary_key: whole_key,
        hubs,
        dependent_key: role('dependent_key')[0] ?? null,
      };
    }
    case 'satellite': {
      const sub_key = facts.sub_key ?? [];
      const flavour = facts.flavour!;
      const state_key = flavour === 'tracking' ? [hash_key, 'record_source'] : [hash_key];
      const primary_key =
        flavour === 'event' ? dated_key : [...state_key, 'applied_date', 'load_date', 'hash_diff', ...sub_key];
      const driving_key = (facts.driving_key ?? []).map((hub) => hashKeyOf(files, hub));
      const payload = role('payload').toSorted(
        (a, b) => Number(a.is_added) - Number(b.is_added) || (a.name < b.name ? -1 : 1),
      );
      const parent = facts.parent!;
      return {
        ...base,
        kind: 'satellite',
        parent,
        flavour,
        state_key,
        sub_key,
        driving_key,
        subject_export: facts.export ?? null,
        payload,
        primary_key,
      };
    }
  }
};

const isComputed = ({ name, role }: Column): boolean =>
  role === 'hash_key' || role === 'hub_key' || name === 'hash_diff';

const hashKeyOf = (files: Files, table: string): string => files.get(table)!['x-vault'].hash_key!;

const draftsOf = (file: EntityFile, files: Files): Draft[] => {
  const facts = file['x-vault'];
  const own_key = facts.kind === 'satellite' ? hashKeyOf(files, facts.parent!) : facts.hash_key!;
  const about = facts.kind === 'satellite' ? `Hash key of its ${facts.parent} row.` : 'Hash key.';
  const payload_role = { hub: 'business_key', link: 'dependent_key', satellite: 'payload' } as const;
  const is_satellite = facts.kind === 'satellite';
  return [
    draft(own_key, 'bytes', 'hash_key', about, HASH),
    draft('load_date', 'instant', 'standard', 'Instant at which the record was made, taken from the record.', INSTANT),
    ...(is_satellite
      ? [
          draft('applied_date', 'instant', 'standard', 'Instant from which it is true in the business.', INSTANT),
          draft('hash_diff', 'bytes', 'standard', 'Hash of the payload.', HASH),
        ]
      : []),
    ...(facts.hubs ?? []).map((hub) =>
      draft(hashKeyOf(files, hub), 'bytes', 'hub_key', `Hash key of the related ${hub} row.`, HASH),
    ),
    ...Object.entries(file.properties ?? {}).map(([name, property]) =>
      draft(
        name,
        property['x-type']!,
        payload_role[facts.kind],
        property.description!,
        property,
        property['x-privacy'] ?? facts.privacy,
      ),
    ),
    draft(
      'record_source',
      'text',
      'standard',
      'The part of the product or the external source that states it.',
      RECORD_SOURCE,
    ),
  ];
};

const draft = (
  name: string,
  type: ColumnType,
  role: ColumnRole,
  description: string,
  schema: Readonly<Record<string, unknown>>,
  privacy: Privacy = 'internal',
): Draft => ({
  column: {
    name,
    type,
    is_nullable: [schema.type].flat().includes('null'),
    is_added: schema['x-added'] === true,
    role,
    description,
    privacy,
  },
  schema,
});
