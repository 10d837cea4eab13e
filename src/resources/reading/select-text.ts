import { GHOST_KEY, type Link, type Satellite } from '../../vault/entity.ts';
import type { ReferenceModel, ResourceModel, SatelliteModel } from '../declaration/model.ts';
import type { EngineDeps } from '../engine-deps.ts';
import type { Parameters } from './statement.ts';

/** The instants when a state was true and when it was known: ISO 8601 in UTC; `infinity` means the last stated one. */
export interface AsOf {
  readonly applied: string;
  readonly known: string;
}

/** The parts of a statement that reads a resource; `from` uses the two instants as parameters. */
export interface SelectText {
  readonly columns: string;
  readonly from: string;
}

/**
 * The statement that reads a resource: its entity's row, its related hubs, and the row in force of each satellite. It
 * makes one probe of a primary key for each satellite and row, for any instants.
 */
export const selectText = <Deps extends EngineDeps>(
  { entity, id, references, satellites }: ResourceModel<Deps>,
  parameters: Parameters,
  { applied, known }: AsOf,
): SelectText => {
  const instants = { applied: parameters.add(applied, 'instant'), known: parameters.add(known, 'instant') };
  return {
    columns: [
      `h.${entity.hash_key} as hash_key`,
      'h.load_date as created_at',
      ...id.map(({ name, sql }) => `${sql} as "i.${name}"`),
      ...references.map(({ name, sql }) => `${sql} as "r.${name}"`),
      ...satellites.flatMap(satelliteColumns),
    ].join(', '),
    from: [
      `from ${entity.name} h`,
      ...references.map((reference) => referenceJoin(entity.hash_key, reference, instants)),
      ...satellites.map((each, place) => satelliteJoin(each, instants, place === 0)),
      `where h.${entity.hash_key} <> decode('${GHOST_KEY}', 'hex')`,
      `and h.load_date <= ${instants.known}`,
      ...references
        .filter(({ link }) => link === undefined)
        .map(({ name }) => `and r_${name}.record_source <> 'ghost'`),
    ].join('\n'),
  };
};

type Instants = Readonly<Record<'applied' | 'known', string>>;

const FACTS = ['applied_date', 'load_date', 'hash_diff'];

const satelliteColumns = ({ alias, satellite, key_column }: SatelliteModel): string[] => [
  `h.${key_column} as "${alias}.key"`,
  ...[...FACTS, ...satellite.payload.map(({ name }) => name)].map((name) => `${alias}.${name} as "${alias}.${name}"`),
];

const satelliteJoin = (
  { alias, satellite, key_column }: SatelliteModel,
  { applied, known }: Instants,
  is_first: boolean,
): string => {
  const own = satellite.hash_key;
  return `${is_first ? 'join' : 'left join'} lateral (
    select s.*
    from ${satellite.name} s
    where s.${own} = h.${key_column} and s.applied_date <= ${applied} and s.load_date <= ${known}
    order by s.applied_date desc, s.load_date desc, s.hash_diff desc
    limit 1) ${alias} on true`;
};

const referenceJoin = (own_key: string, reference: ReferenceModel, instants: Instants): string => {
  const { name, target, relation, in_force } = reference;
  const key = target.hash_key;
  if (relation === null) return `join ${target.name} r_${name} on r_${name}.${key} = h.${key}`;
  if (in_force !== null) return effectiveJoin(own_key, { ...reference, relation, in_force }, instants);
  return `left join ${relation.name} l_${name}
      on l_${name}.${own_key} = h.${own_key} and l_${name}.load_date <= ${instants.known}
    left join ${target.name} r_${name} on r_${name}.${key} = l_${name}.${key}`;
};

/** The last opened relation, unless it was closed since. */
const effectiveJoin = (
  own_key: string,
  { name, target, relation, in_force }: ReferenceModel & { readonly relation: Link; readonly in_force: Satellite },
  { applied, known }: Instants,
): string => {
  const link_key = relation.hash_key;
  const at = (alias: string): string => `${alias}.applied_date <= ${applied} and ${alias}.load_date <= ${known}`;
  const order = (alias: string): string => `(${alias}.applied_date, ${alias}.load_date, ${alias}.hash_diff)`;
  return `left join lateral (
    select t.*
    from (
      select l.${link_key}, l.${target.hash_key}, e.applied_date, e.load_date, e.hash_diff
      from ${relation.name} l
      join ${in_force.name} e on e.${link_key} = l.${link_key}
      where l.${own_key} = h.${own_key} and e.is_effective and ${at('e')}
      order by e.applied_date desc, e.load_date desc, e.hash_diff desc
      limit 1) opened
    join ${target.name} t on t.${target.hash_key} = opened.${target.hash_key}
    where not exists (
      select
      from ${in_force.name} c
      where c.${link_key} = opened.${link_key} and not c.is_effective and ${order('c')} > ${order('opened')}
        and ${at('c')})) r_${name} on true`;
};
