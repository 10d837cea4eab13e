import type { Sql } from '../../postgres/connect.ts';
import { type JournalFamily, journalFamily } from '../journal-family.ts';
import type { Transaction } from '../transaction.ts';
import { type Check, type Outcome, outcomeOf } from './check.ts';

/**
 * The audit log's own tables agree: each change and each batch of the journal has its leaves, each batch of leaves
 * is in the tree or in the queue, and the tree has no gap. The verification of the log compares the leaves with the
 * rows, and the tree with the signatures.
 */
export const logged: Check = {
  name: 'logged',
  counted: 'batches of leaves',
  units: async ({ registry }) => [
    { label: 'audit.leaf_batch', weight: 4, run: checkBatches },
    { label: 'ops.load_change', weight: 2, run: checkChanges },
    { label: 'ops.journal_batch', weight: 2, run: (sql) => checkJournal(sql, journalFamily(registry)) },
    { label: 'audit.sequenced', weight: 2, run: checkTree },
    { label: 'audit', weight: 1, run: checkGuards },
  ],
};

type Run = (sql: Sql | Transaction) => Promise<Outcome>;

// Limit of reported faults; their exact number no longer matters then.
const MAX_FAULTS = 100;

/** Each batch belongs to a change or to journal records, one for each leaf, and is in one place. */
const checkBatches: Run = async (sql) => {
  const [counts] = await sql<[{ batches: number }]>`select count(*) as batches from audit.leaf_batch`;
  const misplaced = await sql<{ leaf_batch_id: number; is_sequenced: boolean; is_queued: boolean }[]>`
    select leaf_batch_id, tree.leaf_batch_id is not null as is_sequenced, queue.leaf_batch_id is not null as is_queued
    from audit.leaf_batch batch
    full join audit.sequenced tree using (leaf_batch_id)
    full join audit.leaf_queue queue using (leaf_batch_id)
    where batch.leaf_batch_id is null
      or (tree.leaf_batch_id is null) = (queue.leaf_batch_id is null)
      or tree.leaf_count <> batch.leaf_count
    order by leaf_batch_id
    limit ${MAX_FAULTS}`;
  const miscounted = await sql<{ leaf_batch_id: number; leaf_count: number }[]>`
    select batch.leaf_batch_id, batch.leaf_count
    from audit.leaf_batch batch
    left join ops.load_change change using (change_id)
    left join ops.journal_batch journal
      on journal.writer = batch.journal_writer and journal.first_sequence = batch.first_sequence
    where (
      change.row_count = batch.leaf_count
      or (
        cardinality(batch.sequences) = batch.leaf_count
        and batch.sequences[1] >= 0
        and journal.first_sequence + batch.sequences[batch.leaf_count] <= journal.last_sequence)) is not true
      or length(batch.leaf_hashes) <> 32 * batch.leaf_count
    order by batch.leaf_batch_id
    limit ${MAX_FAULTS}`;
  return outcomeOf(counts.batches, [
    ...misplaced.map(
      ({ leaf_batch_id, is_sequenced, is_queued }) =>
        `leaf batch ${leaf_batch_id} ${
          is_sequenced === is_queued
            ? `stands ${is_queued ? 'both in the tree and in the queue' : 'neither in the tree nor in the queue'}`
            : `is not what the ${is_sequenced ? 'tree' : 'queue'} has`
        }`,
    ),
    ...miscounted.map(
      ({ leaf_batch_id, leaf_count }) =>
        `leaf batch ${leaf_batch_id}: its ${leaf_count} leaves are not those of a change or of a batch of the journal`,
    ),
  ]);
};

/** Each change has its leaves. */
const checkChanges: Run = async (sql) => {
  const changes = await sql<{ change_id: number; table_name: string }[]>`
    select change.change_id, change.table_name
    from ops.load_change change
    where not exists (select from audit.leaf_batch batch where batch.change_id = change.change_id)
    order by change.change_id
    limit ${MAX_FAULTS}`;
  return outcomeOf(
    0,
    changes.map(({ change_id, table_name }) => `change ${change_id} of ${table_name} has no leaves`),
  );
};

/** Each journal batch with calls has its leaves. */
const checkJournal = async (sql: Sql | Transaction, family: JournalFamily | null): Promise<Outcome> => {
  if (family === null) return outcomeOf(0, []);
  const batches = await sql.unsafe<{ writer: string; first_sequence: number }[]>(
    `select journal.writer, journal.first_sequence
     from ops.journal_batch journal
     where journal.first_load_date is not null
       and not exists (
         select
         from audit.leaf_batch batch
         where batch.journal_writer = journal.writer and batch.first_sequence = journal.first_sequence)
       and exists (
         select
         from ${family.satellite.name} record
         where record.load_date between journal.first_load_date and journal.last_load_date
           and record.journal_writer = journal.writer
           and record.journal_sequence between journal.first_sequence and journal.last_sequence)
     order by journal.writer, journal.first_sequence
     limit ${MAX_FAULTS}`,
  );
  return outcomeOf(
    0,
    batches.map(
      ({ writer, first_sequence }) =>
        `journal writer ${writer}: the batch from record ${first_sequence} on has no leaves`,
    ),
  );
};

/** Each batch begins at the end of the one before it, the first at 0. */
const checkTree: Run = async (sql) => {
  const gaps = await sql<{ first_index: number; expected: number }[]>`
    select first_index, expected
    from (
      select first_index, coalesce(lag(first_index + leaf_count) over (order by first_index), 0) as expected
      from audit.sequenced) tree
    where first_index <> expected
    order by first_index
    limit ${MAX_FAULTS}`;
  return outcomeOf(
    0,
    gaps.map(({ first_index, expected }) => `the tree goes on at leaf ${first_index} where ${expected} should be`),
  );
};

// Leaves wait in the queue until the tree has them.
const checkGuards: Run = async (sql) => {
  const missing = await sql<{ line: string }[]>`
    select wanted.table_name || ' is not guarded by ' || wanted.guard as line
    from (
      select c.oid, c.oid::regclass::text as table_name, guard
      from pg_class c
      cross join unnest(array['refuse_change', 'refuse_truncate']) as guard
      where c.relnamespace = 'audit'::regnamespace and c.relkind = 'r'
      union all
      select 'audit.leaf_batch'::regclass, 'audit.leaf_batch', 'queue_leaf_batch') wanted
    where not exists (
      select
      from pg_trigger t
      where t.tgrelid = wanted.oid and t.tgname = wanted.guard and t.tgenabled in ('O', 'A'))
    order by 1`;
  return outcomeOf(
    0,
    missing.map(({ line }) => line),
  );
};
