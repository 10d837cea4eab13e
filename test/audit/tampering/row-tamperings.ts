import { type Entity, GHOST_KEY } from '../../../src/vault/entity.ts';
import { createRowBuilder, type VaultRow } from '../../../src/vault/rows.ts';
import type { Transaction } from '../../../src/vault/transaction.ts';
import type { FaultKind } from '../../../verifier/onevault-verify.mjs';
import { testRegistry } from '../../support/calls.ts';
import { MADE, mutate, pick, type Random, sqlOf } from './mutate.ts';

/** A leaf before any tampering. */
export interface Leaf {
  readonly index: number;
  readonly rows: readonly VaultRow[];
}

/** One manipulation of rows outside the product. */
export interface Tampering {
  readonly kind: string;
  /** Description for the message about a tampering that was not found. */
  readonly what: string;
  /** Indices of the affected leaves. */
  readonly leaves: readonly number[];
  /** Hash keys of the affected or added rows, which faults contain. */
  readonly keys: readonly string[];
  /** The verifier must report one of these faults. */
  readonly expected: readonly FaultKind[];
  /** Additional faults that may be reported: a moved row is missing here and added there. */
  readonly besides: readonly FaultKind[];
  apply(tx: Transaction): Promise<unknown>;
}

const registry = testRegistry();
const build = createRowBuilder(registry);
const CALLS = new Set(['api_request_h', 'api_request_l', 'api_request_s', 'api_request_route_s']);

const entityOf = ({ table }: VaultRow): Entity => registry.entities.get(table)!;
const keyOf = (row: VaultRow): string => String(row.values[entityOf(row).hash_key]);
/** Prefix of certificates of destruction in faults. */
export const CERTIFICATE = 'certificate destruction_';

/** Possible names in faults: keys of rows, and names of certificates of destruction. */
const namesIn = (rows: readonly VaultRow[]): string[] => [
  ...rows.map(keyOf),
  ...(rows.some(({ table }) => table.startsWith('destruction_')) ? [CERTIFICATE] : []),
];
const isCall = ({ rows }: Leaf): boolean => CALLS.has(rows[0]!.table);
const rowOf = ({ rows }: Leaf, table: string): VaultRow => rows.find((row) => row.table === table)!;

const whereText = (row: VaultRow, from: number) => {
  const { columns, primary_key } = entityOf(row);
  const parts = primary_key.map((name, at) => {
    const { type } = columns.find((column) => column.name === name)!;
    const { sql, text } = sqlOf(type, row.values[name], from + at);
    return { condition: `${name} = ${sql}`, text };
  });
  return {
    text: parts.map(({ condition }) => condition).join(' and '),
    parameters: parts.map(({ text }) => text),
  };
};

const updateRow = async (tx: Transaction, row: VaultRow, changes: Record<string, unknown>): Promise<void> => {
  const { name, columns } = entityOf(row);
  const sets = Object.entries(changes).map(([column, value], at) => {
    const { type } = columns.find((each) => each.name === column)!;
    const { sql, text } = sqlOf(type, value, at + 1);
    return { set: `${column} = ${sql}`, text };
  });
  const where = whereText(row, sets.length + 1);
  const { count } = await tx.unsafe(`update ${name} set ${sets.map(({ set }) => set).join(', ')} where ${where.text}`, [
    ...sets.map(({ text }) => text),
    ...where.parameters,
  ]);
  if (count !== 1) throw new Error(`${count} rows of ${name} were updated`);
};

const deleteRow = async (tx: Transaction, row: VaultRow): Promise<void> => {
  const where = whereText(row, 1);
  const { count } = await tx.unsafe(`delete from ${entityOf(row).name} where ${where.text}`, where.parameters);
  if (count !== 1) throw new Error(`${count} rows of ${row.table} were deleted`);
};

const insertRow = async (tx: Transaction, row: VaultRow): Promise<void> => {
  const { name, columns } = entityOf(row);
  const values = columns.map(({ name: column, type }, at) => sqlOf(type, row.values[column], at + 1));
  await tx.unsafe(
    `insert into ${name} (${columns.map((column) => column.name).join(', ')}) values (${values.map(({ sql }) => sql).join(', ')})`,
    values.map(({ text }) => text),
  );
};

/** Expected and additional faults of a changed column. */
const namesOf = (leaf: Leaf, row: VaultRow, column: string): Pick<Tampering, 'expected' | 'besides'> => {
  const { kind, primary_key, columns } = entityOf(row);
  const { role } = columns.find(({ name }) => name === column)!;
  const is_number = isCall(leaf) && ['journal_writer', 'journal_sequence'].includes(column);
  const is_join = isCall(leaf) && column === 'api_request_hk';
  // A change of a key column removes the logged row and adds another one.
  if (primary_key.includes(column) || is_number || is_join) {
    return {
      expected: ['row_gone', 'row_added', 'entry'],
      besides: [
        ...['payload', 'hub_key', 'link_key', 'journal_claim', 'row_gone', 'row_added', 'entry'],
        'destruction',
      ] as FaultKind[],
    };
  }
  if (role === 'business_key') return { expected: ['hub_key'], besides: ['destruction'] };
  if (role === 'hub_key' || role === 'dependent_key') return { expected: ['link_key'], besides: [] };
  if (role === 'payload') return { expected: ['payload'], besides: ['journal_claim', 'destruction'] };
  if (role === 'hash_key') return { expected: ['entry'], besides: ['hub_key', 'link_key', 'row_added'] };
  return { expected: ['entry'], besides: kind === 'satellite' ? ['payload'] : [] };
};

type Maker = (random: Random, leaves: readonly Leaf[]) => Tampering | null;

/** A row of any table, each as likely as the others, and its leaf. */
const pickRow = (random: Random, leaves: readonly Leaf[]) => {
  const all = leaves.flatMap((leaf) => leaf.rows.map((row) => ({ leaf, row })));
  return pick(random, pick(random, [...Map.groupBy(all, ({ row }) => row.table).values()]));
};

const flipColumn: Maker = (random, leaves) => {
  const { leaf, row } = pickRow(random, leaves);
  const { name: column, type } = pick(random, entityOf(row).columns);
  const value = mutate(random, type, row.values[column]);
  return {
    kind: 'flip a bit of a column',
    what: `${row.table}.${column}: ${JSON.stringify(row.values[column])} → ${JSON.stringify(value)}`,
    leaves: [leaf.index],
    keys: [
      ...namesIn(leaf.rows),
      ...(type === 'bytes' ? [String(value)] : []),
      // The sequence now also belongs to another call.
      ...(column.endsWith('_sequence') ? [`record ${String(value)} of`] : []),
    ],
    ...namesOf(leaf, row, column),
    apply: (tx) => updateRow(tx, row, { [column]: value }),
  };
};

const deleteLeaf: Maker = (random, leaves) => {
  const leaf = pick(random, leaves);
  return {
    kind: 'delete what a leaf holds',
    what: leaf.rows.map((row) => `${row.table} ${keyOf(row)}`).join(', '),
    leaves: [leaf.index],
    keys: namesIn(leaf.rows),
    expected: ['row_gone'],
    besides: ['payload', 'destruction'],
    apply: async (tx) => {
      for (const row of leaf.rows) await deleteRow(tx, row);
    },
  };
};

const deleteRowOfCall: Maker = (random, leaves) => {
  const leaf = pick(random, leaves.filter(isCall));
  const row = pick(random, leaf.rows);
  return {
    kind: 'delete a row of a call',
    what: `${row.table} ${keyOf(row)}`,
    leaves: [leaf.index],
    keys: leaf.rows.map(keyOf),
    // A call may have no such row from the start, so only the hash reveals that it is missing.
    expected: row.table === 'api_request_route_s' ? ['entry'] : ['row_gone'],
    besides: ['row_added'],
    apply: (tx) => deleteRow(tx, row),
  };
};

let made = 0;
const newId = (): string => {
  made += 1;
  return `019bb000-0000-7000-8000-${String(made).padStart(12, '0')}`;
};

/** A copy of the call under another id, in the product's form. */
const cloneOfCall = (leaf: Leaf, journal_sequence: unknown): VaultRow[] => {
  const [satellite, link] = [rowOf(leaf, 'api_request_s'), rowOf(leaf, 'api_request_l')];
  const { load_date, applied_date, hash_diff: _, record_source, api_request_hk: __, ...payload } = satellite.values;
  const at = { load_date, applied_date, record_source } as never;
  const api_request_bk = newId();
  const api_request_hk = build.hubKey('api_request_h', { api_request_bk });
  const { customer_hk, api_key_hk, provider_hk, model_hk, routing_rule_hk } = link.values;
  const hubs = { api_request_hk, customer_hk, api_key_hk, provider_hk, model_hk, routing_rule_hk };
  return [
    build.hub('api_request_h', { api_request_bk }, at),
    build.link('api_request_l', hubs as never, at),
    build.satellite('api_request_s', api_request_hk, { ...payload, journal_sequence } as never, at),
  ];
};

const insertCall: Maker = (random, leaves) => {
  const leaf = pick(random, leaves.filter(isCall));
  const own = Number(rowOf(leaf, 'api_request_s').values.journal_sequence);
  // With its own sequence, or with the sequence of the existing call.
  const rows = cloneOfCall(leaf, random(2) === 0 ? own : own + 1_000_000 + random(1_000_000));
  return {
    kind: 'insert a call',
    what: rows.map((row) => `${row.table} ${keyOf(row)}`).join(', '),
    leaves: [leaf.index],
    keys: rows.map(keyOf),
    expected: ['row_added'],
    besides: ['journal_claim'],
    apply: async (tx) => {
      for (const row of rows) await insertRow(tx, row);
    },
  };
};

const insertState: Maker = (random, leaves) => {
  const customer_hk = pick(
    random,
    leaves.filter(({ rows }) => rows[0]!.table === 'customer_config_s'),
  ).rows[0]!.values.customer_hk;
  const load_date = `2026-11-21T09:00:00.${String(random(1_000_000)).padStart(6, '0')}Z`;
  const { values } = leaves.find(({ rows }) => rows[0]!.table === 'customer_config_s')!.rows[0]!;
  const { customer_hk: _, load_date: __, applied_date: ___, hash_diff: ____, record_source, ...payload } = values;
  const row = build.satellite(
    'customer_config_s',
    String(customer_hk),
    { ...payload, markup_basis_points: random(10_000) } as never,
    { load_date, applied_date: load_date, record_source } as never,
  );
  return {
    kind: 'insert a state',
    what: `${row.table} ${keyOf(row)}`,
    leaves: [],
    keys: [String(row.values.hash_diff)],
    expected: ['row_added'],
    besides: [],
    apply: (tx) => insertRow(tx, row),
  };
};

/** The ghost records are in no leaf, and are the same in every vault. */
const changeGhost: Maker = (random) => {
  const entity = pick(
    random,
    [...registry.entities.values()].filter(({ kind }) => kind !== 'link'),
  );
  const { name: column, type } = pick(random, entity.columns);
  const { sql, text } = sqlOf(type, MADE[type], 1);
  const ghost = `${entity.hash_key} = decode('${GHOST_KEY}', 'hex')`;
  const is_deleted = random(4) === 0;
  return {
    kind: is_deleted ? 'delete a ghost record' : 'change a ghost record',
    what: `${entity.table}.${column}`,
    leaves: [],
    keys: [GHOST_KEY, `ghost record of ${entity.table} `, `${entity.hash_key}=01`],
    expected: ['row_gone'],
    besides: ['row_added'],
    apply: (tx) =>
      is_deleted
        ? tx.unsafe(`delete from ${entity.name} where ${ghost}`)
        : tx.unsafe(`update ${entity.name} set ${column} = ${sql} where ${ghost}`, [text]),
  };
};

const insertUnderGhost: Maker = (random, leaves) => {
  const { leaf, row } = pickRow(random, leaves);
  const copy = { ...row, values: { ...row.values, [entityOf(row).hash_key]: GHOST_KEY } };
  return {
    kind: 'insert a row under the key of the ghost record',
    what: row.table,
    leaves: [leaf.index],
    keys: [GHOST_KEY],
    // A call's satellite contains its sequence.
    expected: ['row_added'],
    besides: ['journal_claim', 'link_key'],
    apply: (tx) => insertRow(tx, copy),
  };
};

const rehashCall: Maker = (random, leaves) => {
  const leaf = pick(random, leaves.filter(isCall));
  const row = rowOf(leaf, 'api_request_s');
  const {
    api_request_hk,
    load_date: _,
    applied_date: __,
    hash_diff: ___,
    record_source: ____,
    ...payload
  } = row.values;
  const changes = { customer_cost: String(random(1_000_000) + 1), total_tokens: random(1_000) };
  const hash_diff = build.diff('api_request_s', { ...payload, ...changes } as never);
  return {
    kind: 'change a call and its hashes',
    what: `api_request_s ${String(api_request_hk)}`,
    leaves: [leaf.index],
    keys: [keyOf(row)],
    expected: ['entry'],
    besides: [],
    apply: (tx) => updateRow(tx, row, { ...changes, hash_diff }),
  };
};

const moveToCustomer: Maker = (random, leaves) => {
  const leaf = pick(random, leaves.filter(isCall));
  const link = rowOf(leaf, 'api_request_l');
  const customers = leaves.flatMap(({ rows }) => (rows[0]!.table === 'customer_h' ? [keyOf(rows[0]!)] : []));
  const others = customers.filter((key) => key !== link.values.customer_hk);
  if (others.length === 0) return null;
  const { api_request_hk, api_key_hk, provider_hk, model_hk, routing_rule_hk } = link.values;
  const hubs = {
    api_request_hk,
    customer_hk: pick(random, others),
    api_key_hk,
    provider_hk,
    model_hk,
    routing_rule_hk,
  };
  const at = { load_date: link.values.load_date, record_source: link.values.record_source } as never;
  const copy = build.link('api_request_l', hubs as never, at);
  const is_copy = random(2) === 0;
  return {
    kind: is_copy ? 'copy a call to another customer' : 'move a call to another customer',
    what: `api_request_l ${keyOf(link)} → ${keyOf(copy)}`,
    leaves: [leaf.index],
    keys: [keyOf(copy), String(api_request_hk)],
    expected: is_copy ? ['row_added'] : ['entry'],
    besides: [],
    apply: (tx) =>
      is_copy
        ? insertRow(tx, copy)
        : updateRow(tx, link, { customer_hk: hubs.customer_hk, api_request_link_hk: keyOf(copy) }),
  };
};

const swapCalls: Maker = (random, leaves) => {
  const first = pick(random, leaves.filter(isCall));
  const second = leaves.find(({ index }) => index === first.index + 1);
  if (second === undefined || !isCall(second)) return null;
  const [a, b] = [rowOf(first, 'api_request_s'), rowOf(second, 'api_request_s')];
  if (a.values.journal_writer !== b.values.journal_writer) return null;
  const is_rehashed = random(2) === 0;
  const swapped = (row: VaultRow, journal_sequence: unknown) => {
    const {
      api_request_hk: _,
      load_date: __,
      applied_date: ___,
      hash_diff: ____,
      record_source: _____,
      ...payload
    } = row.values;
    const changes = { journal_sequence };
    return is_rehashed
      ? { ...changes, hash_diff: build.diff('api_request_s', { ...payload, ...changes } as never) }
      : changes;
  };
  return {
    kind: 'swap the order of two calls',
    what: `${keyOf(a)} and ${keyOf(b)}${is_rehashed ? ', hashes too' : ''}`,
    leaves: [first.index, second.index],
    keys: [...first.rows, ...second.rows].map(keyOf),
    expected: is_rehashed ? ['entry'] : ['payload'],
    besides: ['entry', 'row_gone'],
    apply: async (tx) => {
      await updateRow(tx, a, swapped(a, b.values.journal_sequence));
      await updateRow(tx, b, swapped(b, a.values.journal_sequence));
    },
  };
};

/** Makers with their weights. */
const MAKERS: readonly (readonly [number, Maker])[] = [
  [10, flipColumn],
  [2, deleteLeaf],
  [2, deleteRowOfCall],
  [2, insertCall],
  [1, insertState],
  [1, changeGhost],
  [1, insertUnderGhost],
  [2, rehashCall],
  [2, moveToCustomer],
  [2, swapCalls],
];

const CHANCES = MAKERS.flatMap(([chances, maker]) => Array.from({ length: chances }, () => maker));

/** A random tampering with rows of these leaves, which contain every kind. */
export const makeTampering = (random: Random, leaves: readonly Leaf[]): Tampering => {
  for (;;) {
    const made_one = pick(random, CHANCES)(random, leaves);
    if (made_one !== null) return made_one;
  }
};
