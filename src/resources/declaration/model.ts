import type { Schema } from '../../http/route.ts';
import { createFaultFinder, type FindFaults } from '../../http/validate.ts';
import type { Column, Hub, Link, Satellite } from '../../vault/entity.ts';
import type { Registry } from '../../vault/registry.ts';
import type { EngineDeps } from '../engine-deps.ts';
import { type Codec, INSTANT } from './codecs.ts';
import { idSchema } from './id-schema.ts';
import type { Field, FieldOptions, Operation, ReadableBy, Reference, Resource } from './resource.ts';

/** A field, resolved from its declaration and its column. */
export interface FieldModel {
  readonly name: string;
  readonly fact: 'created_at' | 'applied_from' | 'version' | null;
  /** Name of its column; null for a fact. */
  readonly column: string | null;
  /** SQL type of the column for comparisons; null if filters are not possible. */
  readonly type: Column['type'] | null;
  /** The column in SQL, as `s0.customer_name`. */
  readonly sql: string;
  readonly is_nullable: boolean;
  readonly options: FieldOptions;
  readonly read: ReadableBy;
  readonly codec: Codec | null;
  /** Schemas of its value, null included, in bodies and in responses. */
  readonly written: Schema;
  readonly shown: Schema;
}

export interface SatelliteModel {
  readonly satellite: Satellite;
  readonly alias: string;
  /** Column of the entity's row that holds the satellite's key. */
  readonly key_column: string;
  /** Satellites with one number are written together. */
  readonly group: number;
}

export interface ReferenceModel extends Reference {
  readonly name: string;
  readonly target: Hub;
  /** Column of the hub's business key. */
  readonly key: string;
  /** The business key in SQL. */
  readonly sql: string;
  readonly relation: Link | null;
  readonly in_force: Satellite | null;
}

/** A declaration, resolved against the vault's entities. */
export interface ResourceModel<Deps extends EngineDeps = EngineDeps> {
  readonly resource: Resource<Deps>;
  readonly entity: Hub | Link;
  /** Names of the parts of its id, and their SQL. */
  readonly id: readonly { readonly name: string; readonly sql: string }[];
  /** Faults in the parts of the id that a client chose for a new resource. */
  readonly findIdFaults: FindFaults;
  readonly references: readonly ReferenceModel[];
  readonly satellites: readonly SatelliteModel[];
  readonly fields: readonly FieldModel[];
  readonly operations: readonly Operation[];
  /** Columns that events omit. */
  readonly unlogged: ReadonlySet<string>;
}

const ALL: readonly Operation[] = ['list', 'create', 'read', 'update', 'replace', 'delete', 'history'];

/**
 * Resolves a declaration.
 * @throws Error that names the resource and a declared part that the vault does not have
 */
export const resolveResource = <Deps extends EngineDeps>(
  registry: Registry,
  resource: Resource<Deps>,
): ResourceModel<Deps> => {
  const fail = (what: string): never => {
    throw new Error(`the resource ${resource.kind}: ${what}`);
  };
  const entity = registry.entities.get(resource.entity);
  if (entity === undefined || entity.kind === 'satellite') return fail(`${resource.entity} is no hub or link`);
  const satellites = resource.satellites.flatMap((group, number) =>
    [group].flat().map((table, place): SatelliteModel => {
      const satellite = registry.satellite(table);
      const hub = entity.kind === 'link' ? entity.hubs.find((each) => each.table === satellite.parent) : undefined;
      if (satellite.parent !== entity.table && hub === undefined) fail(`${table} tells about ${satellite.parent}`);
      return { satellite, alias: `s${number}_${place}`, key_column: hub?.column ?? entity.hash_key, group: number };
    }),
  );
  const references = Object.entries(resource.references ?? {}).map(([name, reference]): ReferenceModel => {
    const target = registry.hub(reference.hub);
    const key = target.business_key[0]!.name;
    return {
      ...reference,
      name,
      target,
      key,
      sql: `r_${name}.${key}`,
      relation: reference.link === undefined ? null : registry.link(reference.link),
      in_force: reference.effectivity === undefined ? null : registry.satellite(reference.effectivity),
    };
  });
  const id = idOf(resource, entity, references);
  const fields = Object.entries(resource.fields).map(([name, field]) => fieldOf(name, field, satellites, fail));
  for (const name of [...(resource.filters ?? []), ...(resource.sorts ?? [])]) {
    const is_known = [...id, ...references, ...fields].some((each) => each.name === name);
    if (!is_known) fail(`${name} is no field`);
  }
  const operations = (resource.operations ?? ALL).filter((each) => each !== 'delete' || resource.end !== undefined);
  return {
    resource,
    entity,
    id,
    findIdFaults: createFaultFinder(
      idSchema(
        id.map(({ name }) => name),
        references,
      ),
    ),
    references,
    satellites,
    fields,
    operations,
    unlogged: unloggedOf(satellites, fields),
  };
};

const idOf = (
  { id, kind }: Pick<Resource, 'id' | 'kind'>,
  entity: Hub | Link,
  references: readonly ReferenceModel[],
): ResourceModel['id'] => {
  if (typeof id !== 'string') {
    return id.map((name) => {
      const reference = references.find((each) => each.name === name);
      if (reference === undefined) throw new Error(`the resource ${kind}: its id has no reference ${name}`);
      return { name, sql: reference.sql };
    });
  }
  if (entity.kind !== 'hub') throw new Error(`the resource ${kind}: a link has no ${id}`);
  return [{ name: id === 'uuid' ? 'id' : 'slug', sql: `h.${entity.business_key[0]!.name}` }];
};

const READABLE: Readonly<Record<Column['privacy'], ReadableBy>> = {
  public: 'public',
  internal: 'scope',
  confidential: 'scope',
  personal: 'personal',
  secret: 'secret',
};

const FACTS = {
  created_at: { sql: 'h.load_date', type: 'instant', schema: INSTANT.shown! },
  applied_from: { sql: 's0_0.applied_date', type: 'instant', schema: INSTANT.shown! },
  version: { sql: 's0_0.hash_diff', type: null, schema: { type: 'string', pattern: '^[0-9a-f]{64}$' } },
} as const;

const fieldOf = (
  name: string,
  field: Field,
  satellites: readonly SatelliteModel[],
  fail: (what: string) => never,
): FieldModel => {
  const options: FieldOptions | null = typeof field === 'string' ? { write: field } : 'fact' in field ? null : field;
  if (options === null) {
    const { fact } = field as { fact: keyof typeof FACTS };
    const { sql, type, schema } = FACTS[fact];
    const facts = { fact, column: null, is_nullable: false, read: 'public', codec: null } as const;
    return { name, ...facts, sql, type, options: { write: 'never' }, written: schema, shown: schema };
  }
  const column = options.column ?? name;
  const home = satellites.find(({ satellite }) => satellite.payload.some((each) => each.name === column));
  const found = home?.satellite.payload.find((each) => each.name === column);
  const codec = options.codec ?? (found?.type === 'instant' ? INSTANT : null);
  if (found === undefined && codec === null) fail(`${column} is a column of no satellite, and has no codec`);
  const own = found === undefined ? {} : columnSchema(home!.satellite, column);
  const is_nullable = found?.is_nullable ?? options.default === null;
  const description = typeof own.description === 'string' ? { description: own.description } : {};
  const plain = { ...own, ...options.narrow };
  return {
    name,
    fact: null,
    column,
    type: found?.type ?? null,
    sql: home === undefined ? '' : `${home.alias}.${column}`,
    is_nullable,
    options,
    read: options.read ?? READABLE[found?.privacy ?? 'internal'],
    codec,
    written: codec === null ? plain : withNull({ ...description, ...codec.schema, ...options.narrow }, is_nullable),
    shown: codec === null ? own : withNull({ ...description, ...(codec.shown ?? codec.schema) }, is_nullable),
  };
};

/** The schema of a column, without the vault's own keywords. */
const columnSchema = (satellite: Satellite, column: string): Schema => {
  const properties = satellite.row_schema.properties as Readonly<Record<string, Schema>>;
  const { 'x-type': _type, 'x-privacy': _privacy, ...schema } = properties[column]!;
  return schema;
};

/** The same schema, with null. */
export const withNull = (schema: Schema, is_nullable: boolean): Schema => {
  if (!is_nullable) return schema;
  const { description, ...rest } = schema;
  const about = description === undefined ? {} : { description };
  if (Array.isArray(rest.anyOf)) return { ...about, anyOf: [{ type: 'null' }, ...(rest.anyOf as Schema[])] };
  if (typeof rest.type === 'string') return { ...about, ...rest, type: [rest.type, 'null'] };
  return { ...about, anyOf: [{ type: 'null' }, rest] };
};

/** Events contain no secret, no personal data, no free text, and no field that excludes itself. */
const unloggedOf = (satellites: readonly SatelliteModel[], fields: readonly FieldModel[]): ReadonlySet<string> => {
  const by_privacy = satellites.flatMap(({ satellite }) =>
    satellite.payload.filter(({ privacy }) => privacy === 'secret' || privacy === 'personal').map(({ name }) => name),
  );
  const by_field = fields.filter(
    ({ read, options }) =>
      read === 'secret' || read === 'personal' || options.is_free_text === true || options.is_logged === false,
  );
  return new Set([...by_privacy, ...by_field.map(({ column }) => column!)]);
};
