import type { Sql } from '../../postgres/connect.ts';
import { type Entity, GHOST_KEY } from '../entity.ts';
import type { Transaction } from '../transaction.ts';
import { type Check, type Outcome, outcomeOf } from './check.ts';

/** Every hub and satellite has its one ghost record. */
export const ghosts: Check = {
  name: 'ghosts',
  counted: 'tables',
  units: async ({ registry }) =>
    [...registry.entities.values()]
      .filter(({ kind }) => kind !== 'link')
      .map((entity) => ({ label: entity.name, weight: 1, run: (sql) => checkGhost(sql, entity) })),
};

const GHOST_DATE = `timestamptz '1900-01-01 00:00:00+00'`;

const checkGhost = async (sql: Sql | Transaction, entity: Entity): Promise<Outcome> => {
  const names = entity.kind === 'hub' ? entity.business_key.filter(({ type }) => type === 'text') : [];
  const is_named = names.map(({ name }) => `and ${name} = 'unknown'`).join(' ');
  const [counts] = await sql.unsafe<[{ ghosts: number; named: number }]>(
    `select count(*) as ghosts, count(*) filter (where true ${is_named}) as named
     from ${entity.name}
     where ${entity.hash_key} = decode('${GHOST_KEY}', 'hex') and load_date = ${GHOST_DATE}`,
  );
  const { ghosts, named } = counts!;
  if (ghosts !== 1) return outcomeOf(1, [`${entity.name} has ${ghosts} ghost records: it should have 1`]);
  return outcomeOf(1, named === 1 ? [] : [`${entity.name}: the ghost record's business key should be "unknown"`]);
};
