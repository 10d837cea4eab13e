import type { Sql } from '../../postgres/connect.ts';
import { type Column, type ColumnType, type Entity, GHOST_KEY, type Satellite } from '../entity.ts';
import { encodeColumnName } from '../hash.ts';
import type { Transaction } from '../transaction.ts';
import { type Check, isDataError, NAMED_FAULTS, type Outcome, type Unit } from './check.ts';
import { type Leaf, listLeaves, primaryKeyColumns, rowText } from './leaves.ts';

/** Every hash matches its row: hub and link keys, and hash diffs, recomputed by the database itself. */
export const hashes: Check = {
  name: 'hashes',
  counted: 'rows',
  units: async ({ sql, registry }) => {
    const leaves = await listLeaves(sql, registry.entities.values());
    return leaves.flatMap(hashUnits);
  },
};

/** The same check of one table or partition. */
export const hashUnits = (leaf: Leaf): Unit[] =>
  leaf.entity.kind === 'satellite' && leaf.entity.flavour === 'multi-active'
    ? [unitOfSets(leaf, leaf.entity)]
    : unitsOf(leaf);

// 16 MB a statement: a second or two, so that progress shows and no statement delays vacuum for long.
const PAGES_AT_ONCE = 2_048;

const ENCODED: Readonly<Record<ColumnType, (column: string) => string>> = {
  text: (column) => `util.encode_text(${column})`,
  uuid: (column) => `util.encode_uuid(${column})`,
  integer: (column) => `util.encode_number(${column}::numeric)`,
  bigint: (column) => `util.encode_number(${column}::numeric)`,
  decimal: (column) => `util.encode_number(${column})`,
  boolean: (column) => `util.encode_boolean(${column})`,
  instant: (column) => `util.encode_instant(${column})`,
  date: (column) => `util.encode_date(${column})`,
  bytes: (column) => `util.encode_bytes(${column})`,
  json: (column) => `util.encode_json(${column})`,
  'text[]': (column) => `util.encode_text_array(${column})`,
};

// Half the time of util.hash_hub and similar functions, which build an array of the same components.
const encoded = (columns: readonly Column[]): string =>
  columns
    .map(({ name, type, is_added }) => {
      const value = ENCODED[type](`t.${name}`);
      return is_added ? `case when t.${name} is null then '' else '${encodeColumnName(name)}' || ${value} end` : value;
    })
    .join(' || ');

/** The column of a hash, and the expected hash. */
const hashOf = (entity: Entity): { column: string; expected: string } => {
  const { table, hash_key } = entity;
  switch (entity.kind) {
    case 'hub':
      return {
        column: hash_key,
        expected: `util.hash('hub:${table}', ${encoded(entity.business_key)})`,
      };
    case 'link': {
      const parts = entity.hubs.map(({ column }) => `util.encode_bytes(t.${column})`);
      const { dependent_key } = entity;
      if (dependent_key !== null) parts.push(encoded([dependent_key]));
      return { column: hash_key, expected: `util.hash('link:${table}', ${parts.join(' || ')})` };
    }
    case 'satellite':
      return {
        column: 'hash_diff',
        expected: `util.hash('diff:${table}', ${encoded(entity.payload)})`,
      };
  }
};

const unitsOf = (leaf: Leaf): Unit[] => {
  const units: Unit[] = [];
  for (let page = 0; page < leaf.pages; page += PAGES_AT_ONCE) {
    const end = Math.min(page + PAGES_AT_ONCE, leaf.pages);
    // The next check covers newer rows, except those on the last page.
    units.push({
      label: leaf.name,
      weight: 8 * (end - page),
      run: (sql) => checkPages(sql, leaf, page, end),
    });
  }
  return units;
};

const checkPages = async (sql: Sql | Transaction, leaf: Leaf, from: number, to: number): Promise<Outcome> => {
  const { entity } = leaf;
  const { column, expected } = hashOf(entity);
  const source = `from only ${leaf.name} t
    where t.ctid >= '(${from},0)' and t.ctid < '(${to},0)' and t.${entity.hash_key} <> decode('${GHOST_KEY}', 'hex')`;
  try {
    const [counts] = await sql.unsafe<[{ checked: number; faults: number }]>(
      `select count(*) as checked, count(*) filter (where t.${column} is distinct from ${expected}) as faults ${source}`,
    );
    const { checked, faults } = counts!;
    if (faults === 0) return { checked, faults, first: [] };
    const named = await sql.unsafe<{ row: string; hash: string }[]>(
      `select ${rowText(primaryKeyColumns(entity), 't')} as row, encode(${expected}, 'hex') as hash
       ${source} and t.${column} is distinct from ${expected} limit ${NAMED_FAULTS}`,
    );
    const first = named.map(({ row, hash }) => `${entity.name} ${row}: ${column} should be ${hash}`);
    return { checked, faults, first };
  } catch (error) {
    if (!isDataError(error)) throw error;
    if (to - from === 1) return checkTuples(sql, leaf, from);
    const middle = Math.floor((from + to) / 2);
    const [left, right] = [await checkPages(sql, leaf, from, middle), await checkPages(sql, leaf, middle, to)];
    return sum([left, right]);
  }
};

/** One page row by row: a value on it has no encoding, so the loader cannot have written it. */
const checkTuples = async (sql: Sql | Transaction, { entity, name }: Leaf, page: number): Promise<Outcome> => {
  const { column, expected } = hashOf(entity);
  const tuples = await sql.unsafe<{ ctid: string; row: string }[]>(
    `select t.ctid::text as ctid, ${rowText(primaryKeyColumns(entity), 't')} as row
     from only ${name} t
     where t.ctid >= '(${page},0)' and t.ctid < '(${page + 1},0)' and t.${entity.hash_key} <> decode('${GHOST_KEY}', 'hex')`,
  );
  const outcomes: Outcome[] = [];
  for (const { ctid, row } of tuples) {
    const fault = await sql
      .unsafe<[{ hash: string | null }]>(
        `select case when t.${column} is distinct from ${expected} then encode(${expected}, 'hex') end as hash
         from only ${name} t where t.ctid = '${ctid}'`,
      )
      .then(
        ([found]) => (found!.hash === null ? null : `${column} should be ${found!.hash}`),
        (error: Error) => {
          if (isDataError(error)) return `it cannot be hashed: ${error.message}`;
          throw error;
        },
      );
    outcomes.push({
      checked: 1,
      faults: fault === null ? 0 : 1,
      first: fault === null ? [] : [`${entity.name} ${row}: ${fault}`],
    });
  }
  return sum(outcomes);
};

const sum = (outcomes: readonly Outcome[]): Outcome => ({
  checked: outcomes.reduce((total, { checked }) => total + checked, 0),
  faults: outcomes.reduce((total, { faults }) => total + faults, 0),
  first: outcomes.flatMap(({ first }) => first).slice(0, NAMED_FAULTS),
});

/** The rows of a set may be anywhere in the table, so the whole table is read. */
const unitOfSets = ({ name, pages }: Leaf, entity: Satellite): Unit => {
  const { table, hash_key, payload, sub_key } = entity;
  const keys = [hash_key, 'applied_date', 'load_date', 'hash_diff'].map((column) => `t.${column}`).join(', ');
  const order = sub_key.map((column) => `t.${column}`).join(', ');
  const sets = `
    select ${keys}, count(*) as size, util.hash_diff('${table}', util.encode_array(
      array_agg(util.encode_array(array[${encoded(payload)}]) order by ${order}))) as expected
    from only ${name} t
    where t.${hash_key} <> decode('${GHOST_KEY}', 'hex')
    group by ${keys}`;
  const named = ['hash_key', 'applied_date', 'load_date', 'hash_diff'].map((key) =>
    entity.columns.find((column) => column.name === (key === 'hash_key' ? hash_key : key)),
  ) as Column[];
  return {
    label: name,
    weight: 8 * pages,
    run: async (sql) => {
      const [counts] = await sql.unsafe<[{ checked: number; faults: number }]>(
        `select coalesce(sum(s.size), 0)::bigint as checked, count(*) filter (where s.hash_diff is distinct from s.expected) as faults
         from (${sets}) s`,
      );
      const { checked, faults } = counts!;
      if (faults === 0) return { checked, faults, first: [] };
      const rows = await sql.unsafe<{ row: string; hash: string }[]>(
        `select ${rowText(named, 's')} as row, encode(s.expected, 'hex') as hash
         from (${sets}) s where s.hash_diff is distinct from s.expected limit ${NAMED_FAULTS}`,
      );
      const first = rows.map(({ row, hash }) => `${entity.name} ${row}: hash_diff of the set should be ${hash}`);
      return { checked, faults, first };
    },
  };
};
