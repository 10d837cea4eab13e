import { createHash } from 'node:crypto';
import { hashUnits } from '../../vault/check/hashes.ts';
import { listLeaves } from '../../vault/check/leaves.ts';
import { journalFamily } from '../../vault/journal-family.ts';
import type { Registry } from '../../vault/registry.ts';
import type { Transaction } from '../../vault/transaction.ts';
import { boundsOf } from './due-days.ts';

/** Leaves of the audit log one after another. */
export interface LeafRun {
  readonly first_leaf: number;
  readonly leaf_count: number;
}

/** The rows of a day, compared with the audit log. */
export interface DayLeaves {
  readonly leaf_count: number;
  /** SHA-256 of the leaves' hashes in the order of the log, hex. */
  readonly leaves_sha256: string;
  readonly runs: readonly LeafRun[];
  /** Dropped rows of each partition. */
  readonly table_rows: readonly { table: string; partition: string; rows: number }[];
  /** Reasons why the day cannot be certified; empty if every row matches a leaf below `tree_size`. */
  readonly faults: readonly string[];
}

const ROWS_AT_ONCE = 5_000;

/**
 * Reads a day of calls for the last time: every hash is recomputed from its row, every entry from its rows, and compared
 * with its leaf in the log. Memory is bounded, except for the runs.
 * @param tree_size leaves that a checkpoint covers
 */
export const readDayLeaves = async (
  tx: Transaction,
  registry: Registry,
  day: string,
  tree_size: number,
): Promise<DayLeaves> => {
  const table_rows = await countRows(tx, day);
  const digest = createHash('sha256');
  const runs: { first_leaf: number; leaf_count: number }[] = [];
  let [leaf_count, lines, uncovered, changed] = [0, 0, 0, 0];
  for await (const leaves of leavesOf(tx, day).cursor(ROWS_AT_ONCE)) {
    for (const { leaf_index, leaf_hash, line_count, is_as_logged } of leaves) {
      lines += line_count;
      if (leaf_index === null || leaf_hash === null || leaf_index >= tree_size) {
        uncovered += 1;
        continue;
      }
      if (!is_as_logged) changed += 1;
      digest.update(Buffer.from(leaf_hash, 'hex'));
      leaf_count += 1;
      const run = runs.at(-1);
      if (run !== undefined && run.first_leaf + run.leaf_count === leaf_index) run.leaf_count += 1;
      else runs.push({ first_leaf: leaf_index, leaf_count: 1 });
    }
  }
  const existing_rows = table_rows.reduce((sum, { rows }) => sum + rows, 0);
  const forged = await countForged(tx, registry, day);
  return {
    leaf_count,
    leaves_sha256: digest.digest('hex'),
    runs,
    table_rows,
    faults: [
      ...(uncovered > 0 ? [`no checkpoint covers ${uncovered} of its calls`] : []),
      ...(changed > 0 ? [`${changed} of its calls are not what the audit log holds`] : []),
      ...(existing_rows !== lines ? [`${existing_rows - lines} of its rows belong to no call of it`] : []),
      ...(forged > 0 ? [`${forged} of its rows do not match their hashes`] : []),
    ],
  };
};

const countRows = async (tx: Transaction, day: string): Promise<DayLeaves['table_rows']> => {
  const parts = await tx<{ parent: string; partition: string }[]>`
    select parent, partition from util.partitions_of_day(${day}::text::date)`;
  const counted = [];
  for (const { parent, partition } of parts) {
    const [row] = await tx<[{ rows: number }]>`select count(*) as rows from ${tx(partition)}`;
    counted.push({ table: parent.slice(parent.indexOf('.') + 1), partition, rows: row!.rows });
  }
  return counted;
};

interface DayLeaf {
  readonly leaf_index: number | null;
  readonly leaf_hash: string | null;
  readonly line_count: number;
  readonly is_as_logged: boolean;
}

/** The calls of a day in the order of the log, each with its leaf in the log. */
const leavesOf = (tx: Transaction, day: string) => {
  const { from, to } = boundsOf(day);
  const isInDay = (alias: string) => tx`
    ${tx(alias)}.load_date >= ${from}::text::timestamptz and ${tx(alias)}.load_date < ${to}::text::timestamptz`;
  return tx<DayLeaf[]>`
    with call as (
      select s.journal_writer, s.journal_sequence, s.api_request_hk, s.load_date, s.applied_date, s.hash_diff,
        s.record_source
      from gateway.api_request_s s
      where ${isInDay('s')}
    ),
    line as (
      select journal_writer, journal_sequence,
        audit.entry_line('api_request_s', api_request_hk, load_date, applied_date, hash_diff, record_source) as line
      from call
      union all
      select call.journal_writer, call.journal_sequence,
        audit.entry_line('api_request_h', t.api_request_hk, t.load_date, null, null, t.record_source)
      from call
      join gateway.api_request_h t using (load_date, api_request_hk)
      where ${isInDay('t')}
      union all
      select call.journal_writer, call.journal_sequence,
        audit.entry_line('api_request_l', t.api_request_link_hk, t.load_date, null, null, t.record_source)
      from call
      join gateway.api_request_l t using (load_date, api_request_hk)
      where ${isInDay('t')}
      union all
      select call.journal_writer, call.journal_sequence,
        audit.entry_line('api_request_route_s', t.api_request_hk, t.load_date, t.applied_date, t.hash_diff,
          t.record_source)
      from call
      join gateway.api_request_route_s t using (load_date, api_request_hk)
      where ${isInDay('t')}
      union all
      select call.journal_writer, call.journal_sequence,
        audit.entry_line('api_request_idempotency_s', t.api_request_hk, t.load_date, t.applied_date, t.hash_diff,
          t.record_source)
      from call
      join gateway.api_request_idempotency_s t using (load_date, api_request_hk)
      where ${isInDay('t')}
    ),
    leaf as (
      select journal_writer, journal_sequence, count(*) as line_count,
        audit.leaf_hash(string_agg(line, '' order by line collate "C")) as leaf_hash
      from line
      group by journal_writer, journal_sequence
    ),
    logged as (
      select tree.first_index + place.number - 1 as leaf_index, batch.journal_writer,
        batch.first_sequence + place.sequence as journal_sequence,
        substring(batch.leaf_hashes from (32 * place.number - 31)::integer for 32) as leaf_hash
      from ops.journal_batch journal
      join audit.leaf_batch batch
        on batch.journal_writer = journal.writer and batch.first_sequence = journal.first_sequence
      join audit.sequenced tree using (leaf_batch_id)
      cross join lateral unnest(batch.sequences) with ordinality as place (sequence, number)
      where journal.first_load_date < ${to}::text::timestamptz
        and journal.last_load_date >= ${from}::text::timestamptz
    )
    select logged.leaf_index, encode(logged.leaf_hash, 'hex') as leaf_hash, leaf.line_count,
      leaf.leaf_hash is not distinct from logged.leaf_hash as is_as_logged
    from leaf
    left join logged using (journal_writer, journal_sequence)
    order by logged.leaf_index nulls last`;
};

/** Rows whose hashes do not match their keys or payloads. */
const countForged = async (tx: Transaction, registry: Registry, day: string): Promise<number> => {
  const family = journalFamily(registry);
  const entities = [...registry.entities.values()].filter(({ table }) => family?.tables.has(table));
  const suffix = `_p${day.replaceAll('-', '')}`;
  let faults = 0;
  for (const leaf of await listLeaves(tx, entities)) {
    if (!leaf.name.endsWith(suffix)) continue;
    for (const unit of hashUnits(leaf)) faults += (await unit.run(tx)).faults;
  }
  return faults;
};
