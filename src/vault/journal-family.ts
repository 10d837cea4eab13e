import type { Entity, Hub, Satellite } from './entity.ts';
import type { Registry } from './registry.ts';

/** The tables of the journal: one record gives one row in each, with one load_date. */
export interface JournalFamily {
  /** The satellite whose rows name their record: columns `journal_writer` and `journal_sequence`. */
  readonly satellite: Satellite;
  /** The hub of the satellite. Each table of the family has its hash key. */
  readonly hub: Hub;
  /** The names of all its tables. */
  readonly tables: ReadonlySet<string>;
}

/** The registry's journal family; null when no satellite names its journal record. */
export const journalFamily = (registry: Registry): JournalFamily | null => {
  const entities = [...registry.entities.values()];
  const satellite = entities.find(namesItsRecord);
  if (satellite === undefined) return null;
  const hub = registry.hub(satellite.parent);
  // Only the loader of the journal writes partitioned tables.
  const tables = entities.filter(
    (entity) => entity.partition !== null && entity.columns.some((column) => column.name === hub.hash_key),
  );
  return { satellite, hub, tables: new Set(tables.map(({ table }) => table)) };
};

const namesItsRecord = (entity: Entity): entity is Satellite =>
  entity.kind === 'satellite' &&
  ['journal_writer', 'journal_sequence'].every((name) => entity.payload.some((column) => column.name === name));
