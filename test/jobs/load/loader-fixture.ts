import { fixedClock } from '../../../src/core/clock.ts';
import { silentLog } from '../../../src/core/log.ts';
import type { JournalLoader } from '../../../src/jobs/load/load-journal.ts';
import type { JournalStore } from '../../../src/journal/store.ts';
import { connect, type Sql } from '../../../src/postgres/connect.ts';
import { composeLoader } from '../../../src/server/compose.ts';
import { testRegistry } from '../../support/calls.ts';

const CLOCK = fixedClock('2026-11-21T10:05:00Z');

/** A loader from the journal into the database at `url`, with the product's settings. */
export const createTestLoader = (store: JournalStore, url: string, log = silentLog): JournalLoader =>
  composeLoader({
    store,
    registry: testRegistry(),
    clock: CLOCK,
    log,
    connect: () => connect(url, { application_name: 'test loader', max_connections: 2 }),
  });

export interface VaultContents {
  /** The request ids of `api_request_s`, sorted; duplicates included. */
  readonly request_ids: string[];
  /** `writer first-last count` of each batch, in order. */
  readonly batches: { writer: string; first: number; last: number; count: number }[];
  /** The reasons of refused records. */
  readonly refusals: string[];
}

/** The rows that a load has left in the vault. */
export const readVault = async (sql: Sql): Promise<VaultContents> => {
  const requests = await sql<{ id: string }[]>`
    select h.api_request_bk as id
    from gateway.api_request_s s
    join gateway.api_request_h h using (api_request_hk)
    join gateway.api_request_l l using (api_request_hk)
    where h.api_request_bk <> 'unknown'
    order by 1`;
  const batches = await sql<{ writer: string; first: number; last: number; count: number }[]>`
    select b.writer, b.first_sequence as first, b.last_sequence as last, b.record_count as count
    from ops.journal_batch b
    order by 1, 2`;
  const refusals = await sql<{ reason: string }[]>`
    select e.reason
    from ops.load_error e
    order by 1`;
  return {
    request_ids: requests.map(({ id }) => id),
    batches: batches.map((batch) => ({ ...batch })),
    refusals: refusals.map(({ reason }) => reason),
  };
};
