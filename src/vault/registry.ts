import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Entity, Hub, Link, Satellite } from './entity.ts';
import { buildEntity, type EntityFile, faultsOfFile } from './entity-file.ts';
import { ownershipFaults } from './ownership-faults.ts';
import { createRowAjv, faultOf, laxness } from './row-schema.ts';

export interface Registry {
  /** By table name, in the order of statements: hubs, links, satellites, each by name. */
  readonly entities: ReadonlyMap<string, Entity>;
  /** @throws RangeError for an unknown hub */
  hub(table: string): Hub;
  /** @throws RangeError for an unknown link */
  link(table: string): Link;
  /** @throws RangeError for an unknown satellite */
  satellite(table: string): Satellite;
}

/** The entity files do not fit together; `faults` names each place. */
export class RegistryError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`the vault's entity files are faulty:\n  ${faults.join('\n  ')}`);
    this.name = 'RegistryError';
    this.faults = faults;
  }
}

const FOLDERS = { hubs: 'hub', links: 'link', satellites: 'satellite' } as const;
const SUFFIX = '.schema.json';

/**
 * Reads every entity file and compiles its validator.
 * @param directory the folder with `hubs`, `links` and `satellites`
 * @throws RegistryError with every fault found
 */
export const loadRegistry = (directory: string): Registry => {
  const faults: string[] = [];
  const files = new Map<string, EntityFile>();
  for (const [folder, kind] of Object.entries(FOLDERS)) {
    for (const name of readdirSync(join(directory, folder)).toSorted()) {
      const file = readEntityFile(join(directory, folder, name), faults);
      if (file === null) continue;
      const table = name.slice(0, -SUFFIX.length);
      if (file['x-vault']?.kind !== kind) faults.push(`${table}: x-vault.kind must be "${kind}" in ${folder}`);
      if (files.has(table)) faults.push(`${table}: the table stands in two files`);
      files.set(table, file);
    }
  }
  for (const [table, file] of files) {
    faults.push(...faultsOfFile(table, file, files), ...ownershipFaults(table, file, files));
  }
  if (faults.length > 0) throw new RegistryError(faults);
  return compile(files);
};

const readEntityFile = (path: string, faults: string[]): EntityFile | null => {
  if (!path.endsWith(SUFFIX)) {
    faults.push(`${path}: not a ${SUFFIX} file`);
    return null;
  }
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as EntityFile;
  } catch (error) {
    faults.push(`${path}: ${(error as Error).message}`);
    return null;
  }
};

const compile = (files: ReadonlyMap<string, EntityFile>): Registry => {
  const faults: string[] = [];
  const ajv = createRowAjv();
  const entities = new Map<string, Entity>();
  for (const [table, file] of files) {
    try {
      entities.set(
        table,
        buildEntity(table, file, files, (row_schema) => faultOf(ajv.compile(row_schema))),
      );
      for (const [name, property] of Object.entries(file.properties ?? {})) {
        const fault = laxness(ajv, property['x-type']!, property);
        if (fault !== null) faults.push(`${table}: ${name} ${fault}`);
      }
    } catch (error) {
      faults.push(`${table}: ${(error as Error).message}`);
    }
  }
  if (faults.length > 0) throw new RegistryError(faults);
  return {
    entities,
    hub: (table) => pick(entities, table, 'hub') as Hub,
    link: (table) => pick(entities, table, 'link') as Link,
    satellite: (table) => pick(entities, table, 'satellite') as Satellite,
  };
};

const pick = (entities: ReadonlyMap<string, Entity>, table: string, kind: Entity['kind']): Entity => {
  const entity = entities.get(table);
  if (entity?.kind !== kind) throw new RangeError(`the vault has no ${kind} ${table}`);
  return entity;
};
