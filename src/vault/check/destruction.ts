import type { Sql } from '../../postgres/connect.ts';
import { GHOST_KEY } from '../entity.ts';
import { type JournalFamily, journalFamily } from '../journal-family.ts';
import type { Transaction } from '../transaction.ts';
import { type Check, type Outcome, outcomeOf } from './check.ts';
import { listLeaves } from './leaves.ts';

/**
 * Calls are missing if and only if a certificate states it: every loaded day exists or has its certificate, and the
 * existing and the destroyed calls are together as many as were logged. The verification of the log finds out if they
 * are the same calls.
 */
export const destruction: Check = {
  name: 'destruction',
  counted: 'calls',
  units: async ({ sql, registry }) => {
    const family = journalFamily(registry);
    if (family === null) return [];
    const leaves = await listLeaves(sql, [family.satellite]);
    const pages = leaves.reduce((sum, leaf) => sum + leaf.pages, 0);
    return [
      { label: 'days', weight: 1, run: (sql) => checkDays(sql, family) },
      { label: family.satellite.name, weight: pages, run: (sql) => checkCounts(sql, family) },
      { label: 'ops.destruction_certificate_s', weight: 1, run: checkCertificates },
    ];
  },
};

// Limit of reported faults.
const MAX_FAULTS = 100;

const checkDays = async (sql: Sql | Transaction, { satellite }: JournalFamily): Promise<Outcome> => {
  const days = await sql<{ day: string }[]>`
    select loaded.day::text as day
    from (
      select (first_load_date at time zone 'UTC')::date as day
      from ops.journal_batch
      where first_load_date is not null
      union
      select (last_load_date at time zone 'UTC')::date
      from ops.journal_batch
      where last_load_date is not null) loaded
    where to_regclass(${satellite.name} || to_char(loaded.day, '"_p"YYYYMMDD')) is null
      and not exists (
        select
        from ops.destruction_certificate_s certificate
        where certificate.destroyed_day = loaded.day)
    order by 1
    limit ${MAX_FAULTS}`;
  return outcomeOf(
    0,
    days.map(({ day }) => `the calls of ${day} are gone, and no certificate says why`),
  );
};

const checkCounts = async (sql: Sql | Transaction, { satellite }: JournalFamily): Promise<Outcome> => {
  const [counts] = await sql.unsafe<[{ logged: number; existing: number; destroyed: number }]>(
    `select
       (select coalesce(sum(leaf_count), 0)::bigint from audit.leaf_batch where journal_writer is not null) as logged,
       (select count(*) from ${satellite.name} where ${satellite.hash_key} <> decode('${GHOST_KEY}', 'hex')) as existing,
       (select coalesce(sum(leaf_count), 0)::bigint from ops.destruction_certificate_s) as destroyed`,
  );
  const { logged, existing, destroyed } = counts!;
  const is_sound = logged === existing + destroyed;
  return outcomeOf(
    logged,
    is_sound ? [] : [`${logged} calls were logged; ${existing} stand, and certificates are for ${destroyed} others`],
  );
};

/** Each certificate lists the positions of the leaves that it counts. */
const checkCertificates = async (sql: Sql | Transaction): Promise<Outcome> => {
  const wrong = await sql<{ certificate: string; leaf_count: number; listed_leaves: number }[]>`
    select h.destruction_certificate_bk as certificate, s.leaf_count, coalesce(ranges.listed_leaves, 0) as listed_leaves
    from ops.destruction_certificate_s s
    join ops.destruction_certificate_h h using (destruction_certificate_hk)
    left join (
      select destruction_certificate_hk, sum(leaf_count)::bigint as listed_leaves
      from ops.destruction_leaves_s
      group by 1) ranges using (destruction_certificate_hk)
    where s.leaf_count <> coalesce(ranges.listed_leaves, 0)
    order by 1
    limit ${MAX_FAULTS}`;
  return outcomeOf(
    0,
    wrong.map(
      ({ certificate, leaf_count, listed_leaves }) =>
        `the certificate ${certificate} is for ${leaf_count} leaves, and lists ${listed_leaves} of them`,
    ),
  );
};
