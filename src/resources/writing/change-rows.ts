import type { LinkTable, RowBuilder, SatelliteTable, Stamp, VaultRow } from '../../vault/rows.ts';
import type { ReferenceModel, ResourceModel, SatelliteModel } from '../declaration/model.ts';
import type { Columns, Id, Related, Shape } from '../declaration/resource.ts';
import type { EngineDeps } from '../engine-deps.ts';
import type { RowVersion } from '../reading/stored.ts';

/** The hash keys of a resource: its own, and by column those of the hubs of its link. */
export interface Keys {
  readonly hash_key: string;
  readonly hubs: Readonly<Record<string, string>>;
}

// Table names come from the registry; the builder's types know only the tables of the generated file.
type AnyBuilder = {
  hubKey(table: string, key: Columns): string;
  linkKey(table: string, hubs: Columns): string;
  hub(table: string, key: Columns, stamp: Stamp): VaultRow;
  link(table: string, hubs: Columns, stamp: Stamp): VaultRow;
  satellite(table: string, parent_key: string, payload: Columns, stamp: Stamp): VaultRow;
  satelliteSet(table: string, parent_key: string, payloads: readonly Columns[], stamp: Stamp): VaultRow[];
};

const anyBuilder = (rows: RowBuilder): AnyBuilder => rows as unknown as AnyBuilder;

const hubKeyOf = (rows: RowBuilder, { target, key }: ReferenceModel, value: string): string =>
  anyBuilder(rows).hubKey(target.table, { [key]: value });

/** The hash keys under which a resource is written. */
export const keysOf = <Deps extends EngineDeps>(
  rows: RowBuilder,
  { entity, references }: ResourceModel<Deps>,
  id: Id,
  related: Related,
): Keys => {
  if (entity.kind === 'hub') {
    const [value] = Object.values(id);
    return { hash_key: anyBuilder(rows).hubKey(entity.table, { [entity.business_key[0]!.name]: value }), hubs: {} };
  }
  const own = references.filter(({ relation }) => relation === null);
  const hubs = Object.fromEntries(
    own.map((each) => [each.target.hash_key, hubKeyOf(rows, each, related[each.name]!)] as const),
  );
  return { hash_key: anyBuilder(rows).linkKey(entity.table as LinkTable, hubs), hubs };
};

/** The rows of a new resource: its entity, its own hubs, and its relations. */
export const entityRows = <Deps extends EngineDeps>(
  rows: RowBuilder,
  { entity, references }: ResourceModel<Deps>,
  { id, related, keys }: { readonly id: Id; readonly related: Related; readonly keys: Keys },
  stamp: Stamp,
): VaultRow[] => {
  const builder = anyBuilder(rows);
  const own =
    entity.kind === 'hub'
      ? builder.hub(entity.table, { [entity.business_key[0]!.name]: Object.values(id)[0] }, stamp)
      : builder.link(entity.table, keys.hubs, stamp);
  const created = references
    .filter(({ is_created }) => is_created === true)
    .map(({ target, key, name }) => builder.hub(target.table, { [key]: related[name] }, stamp));
  const relations = Map.groupBy(
    references.filter(({ relation, name }) => relation !== null && related[name] !== null),
    ({ relation }) => relation!,
  );
  return [
    ...created,
    own,
    ...[...relations].flatMap(([link, members]) => {
      const hubs = {
        [entity.hash_key]: keys.hash_key,
        ...Object.fromEntries(
          members.map((each) => [each.target.hash_key, hubKeyOf(rows, each, related[each.name]!)] as const),
        ),
      };
      const in_force = members.flatMap((each) => (each.in_force === null ? [] : [each.in_force.table]));
      return [
        builder.link(link.table, hubs, stamp),
        ...in_force.map((table) =>
          builder.satellite(table, builder.linkKey(link.table, hubs), { is_effective: true }, stamp),
        ),
      ];
    }),
  ];
};

/** The payloads of each satellite, from columns. */
export const shapeOf = <Deps extends EngineDeps>(
  { resource, satellites }: ResourceModel<Deps>,
  columns: Columns,
): Shape => {
  if (resource.shape !== undefined) return resource.shape.write(columns);
  return Object.fromEntries(
    satellites.map(({ satellite }) => [
      satellite.table,
      [Object.fromEntries(satellite.payload.map(({ name }) => [name, columns[name] ?? null]))],
    ]),
  );
};

/** By satellite, the rows of a shape. */
export const satelliteRows = <Deps extends EngineDeps>(
  rows: RowBuilder,
  { satellites, entity }: ResourceModel<Deps>,
  shape: Shape,
  keys: Keys,
  stamp: Stamp,
): ReadonlyMap<string, readonly VaultRow[]> =>
  new Map(
    satellites.map(({ satellite, key_column }) => {
      const key = key_column === entity.hash_key ? keys.hash_key : keys.hubs[key_column]!;
      return [satellite.table, rowsOfSatellite(rows, satellite, shape[satellite.table] ?? [], key, stamp)] as const;
    }),
  );

const rowsOfSatellite = (
  rows: RowBuilder,
  { table, flavour }: SatelliteModel['satellite'],
  payloads: readonly Columns[],
  key: string,
  stamp: Stamp,
): readonly VaultRow[] => {
  if (payloads.length === 0) return [];
  if (flavour === 'multi-active') return anyBuilder(rows).satelliteSet(table, key, payloads, stamp);
  return payloads.map((payload) => anyBuilder(rows).satellite(table as SatelliteTable, key, payload, stamp));
};

/** The satellites that get rows: all of each group in which one differs from its row in force. */
export const changedSatellites = <Deps extends EngineDeps>(
  { satellites }: ResourceModel<Deps>,
  stated: ReadonlyMap<string, readonly VaultRow[]>,
  versions: ReadonlyMap<string, RowVersion>,
): ReadonlySet<string> => {
  const differs = ({ satellite: { table } }: SatelliteModel): boolean =>
    stated.get(table)?.[0]?.values.hash_diff !== versions.get(table)?.hash_diff;
  const groups = new Set(satellites.filter(differs).map(({ group }) => group));
  return new Set(satellites.filter(({ group }) => groups.has(group)).map(({ satellite }) => satellite.table));
};
