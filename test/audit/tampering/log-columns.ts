import type { Sql } from '../../../src/postgres/connect.ts';
import type { Transaction } from '../../../src/vault/transaction.ts';
import type { FaultKind } from '../../../verifier/onevault-verify.mjs';
import type { LogTampering } from './log-tamperings.ts';
import type { Random } from './mutate.ts';

/** Columns of the log's tables, and of the tables between log and rows, with the faults of a change. */
const PROVEN: Readonly<Record<string, Readonly<Record<string, readonly FaultKind[]>>>> = {
  'audit.log': { log_id: ['forged_checkpoint'] },
  'audit.leaf_batch': {
    leaf_batch_id: ['history', 'tail_cut'],
    journal_writer: ['row_gone', 'row_added'],
    first_sequence: ['row_gone', 'row_added', 'entry'],
    sequences: ['row_gone', 'row_added', 'entry'],
    change_id: ['row_gone', 'row_added', 'entry'],
    leaf_hashes: ['history'],
  },
  'audit.sequenced': {
    first_index: ['order', 'history'],
    leaf_batch_id: ['history', 'tail_cut', 'order'],
    leaf_count: ['history', 'order'],
  },
  'audit.node': { level: ['history'], node_index: ['history'], node_hash: ['history'] },
  'audit.checkpoint': {
    tree_size: ['forged_checkpoint'],
    key_id: ['forged_checkpoint'],
    root_hash: ['forged_checkpoint'],
    note: ['forged_checkpoint', 'other_key', 'malformed', 'history', 'count'],
  },
  'audit.cosignature': {
    tree_size: ['forged_checkpoint'],
    root_hash: ['forged_checkpoint'],
    witness_name: ['forged_checkpoint'],
    key_hash: ['forged_checkpoint'],
    signature_line: ['forged_checkpoint'],
  },
  'audit.signing_key': {
    key_id: ['other_key', 'forged_checkpoint'],
    name: ['other_key', 'forged_checkpoint'],
    public_key: ['other_key'],
    verifier_key: ['other_key'],
  },
  'audit.signing_key_retirement': { key_id: ['other_key'] },
  'ops.load_change': {
    change_id: ['row_gone', 'row_added'],
    table_name: ['row_gone', 'row_added'],
    hash_keys: ['row_gone', 'row_added'],
    applied_dates: ['row_gone', 'row_added'],
    load_dates: ['row_gone', 'row_added'],
    hash_diffs: ['row_gone', 'row_added'],
    others: ['row_gone', 'row_added'],
  },
  'ops.journal_batch': {
    writer: ['journal_gap', 'journal_claim', 'row_gone'],
    first_sequence: ['journal_gap', 'journal_claim', 'row_gone'],
    last_sequence: ['journal_gap', 'journal_claim'],
    record_count: ['journal_gap'],
  },
};

/** Columns that no proof depends on: times, orders, and values that only their owner can decrypt. */
const UNPROVEN: Readonly<Record<string, readonly string[]>> = {
  'audit.log': ['log_number', 'created_at', 'reason'],
  // A constraint of the table ties it to the length of leaf_hashes.
  'audit.leaf_batch': ['leaf_count', 'queued_at'],
  'audit.checkpoint': ['checkpoint_at'],
  'audit.cosignature': ['cosigned_at', 'received_at'],
  'audit.signing_key': ['key_number', 'sealed_private_key', 'created_at'],
  'audit.signing_key_retirement': ['retired_at', 'first_size_of_next'],
  'ops.load_change': ['row_count'],
  // The days only limit the search for rows: wrong days find no rows, or cost time.
  'ops.journal_batch': ['first_instant', 'last_instant', 'first_load_date', 'last_load_date', 'loaded_at'],
};

/** The columns of these tables in neither list. */
export const unnamedColumns = async (sql: Sql): Promise<string[]> => {
  const tables = [...Object.keys(PROVEN), 'audit.leaf_queue'];
  const rows = await sql<{ table: string; column: string }[]>`
    select table_schema || '.' || table_name as table, column_name as column
    from information_schema.columns
    where table_schema = 'audit'
      and (table_schema, table_name) in (
        select schemaname, tablename
        from pg_tables
        where tablename !~ '_[hls]$')
      or table_schema || '.' || table_name = any(${tables})`;
  const queue = ['leaf_batch_id'];
  return rows.flatMap(({ table, column }) => {
    const named = [...Object.keys(PROVEN[table] ?? {}), ...(UNPROVEN[table] ?? [])];
    const all = table === 'audit.leaf_queue' ? queue : named;
    return all.includes(column) ? [] : [`${table}.${column}`];
  });
};

const bit = (bytes: string, random: Random): string => {
  const place = `${random(100_000)} % (8 * length(${bytes}))`;
  return `set_bit(${bytes}, ${place}, 1 - get_bit(${bytes}, ${place}))`;
};

/** Changes a bit of a column or of an array's element, by type. */
const CHANGED: Readonly<Record<string, (value: string, random: Random) => string>> = {
  bytea: bit,
  text: (value, random) => {
    const place = `1 + ${random(1_000)} % length(${value})`;
    return `overlay(${value} placing chr(ascii(substr(${value}, ${place}, 1)) # 1) from ${place} for 1)`;
  },
  uuid: (value, random) => `encode(${bit(`uuid_send(${value})`, random)}, 'hex')::uuid`,
  integer: (value, random) => `${value} # ${2 ** random(10)}`,
  bigint: (value, random) => `${value} # ${2 ** random(10)}`,
  'timestamp with time zone': (value, random) => `${value} + ${1 + random(1_000)} * interval '1 microsecond'`,
};

const changeColumn = async (tx: Transaction, random: Random, table: string, column: string): Promise<boolean> => {
  const [{ type }] = await tx<[{ type: string }]>`
    select format_type(atttypid, null) as type
    from pg_attribute
    where attrelid = ${table}::regclass
      and attname = ${column}`;
  const is_array = type.endsWith('[]');
  const change = CHANGED[type.replace('[]', '')]!;
  const target = is_array ? `${column}[1]` : column;
  await tx.unsafe(`alter table ${table} alter column ${column} drop identity if exists`);
  const { count } = await tx.unsafe(
    `update ${table} set ${target} = ${change(target, random)}
     where ctid = (
       select ctid
       from ${table}
       where ${target} is not null
       order by ctid
       offset ${random(1_000_000)} % (select count(*) from ${table} where ${target} is not null)
       limit 1)`,
  );
  return count > 0;
};

/** One tampering for each column. */
export const COLUMN_TAMPERINGS: readonly LogTampering[] = Object.entries(PROVEN).flatMap(([table, columns]) =>
  Object.entries(columns).map(([column, expected]) => ({
    kind: `change ${table}.${column}`,
    expected,
    apply: (tx, random) => changeColumn(tx, random, table, column),
  })),
);
