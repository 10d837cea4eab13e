import { COLUMN_TYPES, type Column, type ColumnType, type Entity, type Owner, type Privacy } from './entity.ts';
import type { Registry } from './registry.ts';

/** A column for human readers. */
export interface ColumnEntry {
  readonly name: string;
  readonly type: ColumnType;
  readonly postgres_type: string;
  readonly is_nullable: boolean;
  readonly role: Column['role'];
  readonly is_in_primary_key: boolean;
  /** Meaning and unit. */
  readonly description: string;
  readonly privacy: Privacy;
}

/** A table of the vault for human readers. */
export interface EntityEntry {
  readonly table: string;
  readonly schema: string;
  readonly kind: Entity['kind'];
  readonly title: string;
  readonly description: string;
  readonly privacy: Privacy;
  /** The owner of the data: a customer, a person or the platform. */
  readonly owner: Owner;
  readonly hash_key: string;
  readonly primary_key: readonly string[];
  readonly partition: 'daily' | null;
  /** The retention class of its partitions; null: kept for ever. */
  readonly retention: string | null;
  /** Of a hub: the columns of its business key. */
  readonly business_key?: readonly string[];
  /** Of a link: the hubs that it relates, in the order of its key's hash. */
  readonly hubs?: readonly string[];
  /** Of a link: the column that belongs to its key besides the hubs. */
  readonly dependent_key?: string | null;
  /** Of a satellite: the hub or link that it describes. */
  readonly parent?: string;
  readonly flavour?: string;
  /** Of a multi-active satellite: the columns that distinguish the rows of a set. */
  readonly sub_key?: readonly string[];
  /** Of an effectivity satellite: the hash keys for which one partner holds at a time. */
  readonly driving_key?: readonly string[];
  /** Of a hub or link: the satellites that describe it. */
  readonly satellites?: readonly string[];
  readonly columns: readonly ColumnEntry[];
}

/** The data dictionary: every table of the registry, in its order. */
export const describeVault = (registry: Registry): EntityEntry[] =>
  [...registry.entities.values()].map((entity) => ({
    table: entity.table,
    schema: entity.schema,
    kind: entity.kind,
    title: entity.title,
    description: entity.description,
    privacy: entity.privacy,
    owner: entity.owner,
    hash_key: entity.hash_key,
    primary_key: entity.primary_key,
    partition: entity.partition,
    retention: entity.retention,
    ...relationsOf(entity, registry),
    columns: entity.columns.map((column) => ({
      name: column.name,
      type: column.type,
      postgres_type: COLUMN_TYPES[column.type].postgres,
      is_nullable: column.is_nullable,
      role: column.role,
      is_in_primary_key: entity.primary_key.includes(column.name),
      description: column.description,
      privacy: column.privacy,
    })),
  }));

const relationsOf = (entity: Entity, registry: Registry): Partial<EntityEntry> => {
  switch (entity.kind) {
    case 'hub':
      return {
        business_key: entity.business_key.map(({ name }) => name),
        satellites: satellitesOf(entity.table, registry),
      };
    case 'link':
      return {
        hubs: entity.hubs.map(({ table }) => table),
        dependent_key: entity.dependent_key?.name ?? null,
        satellites: satellitesOf(entity.table, registry),
      };
    case 'satellite':
      return {
        parent: entity.parent,
        flavour: entity.flavour,
        sub_key: entity.sub_key,
        driving_key: entity.driving_key,
      };
  }
};

const satellitesOf = (table: string, registry: Registry): string[] =>
  [...registry.entities.values()]
    .filter((entity) => entity.kind === 'satellite' && entity.parent === table)
    .map((entity) => entity.table);
