import type { Sql } from '../postgres/connect.ts';
import { readPieces } from '../vault/recorded-changes.ts';
import type { Registry } from '../vault/registry.ts';
import type { VaultRow } from '../vault/rows.ts';
import type { Transaction } from '../vault/transaction.ts';
import type { LeafRange } from './subtrees.ts';

/** Leaves of calls that were destroyed at the end of their retention period. */
export interface DestroyedLeaves {
  /** Business key of the certificate. */
  readonly certificate: string;
  readonly first_leaf: number;
  readonly leaf_count: number;
}

/** Destroyed leaves in a range, with their certificates, in the order of the log. */
export const readDestroyed = async (sql: Sql | Transaction, { from, to }: LeafRange): Promise<DestroyedLeaves[]> => [
  ...(await sql<DestroyedLeaves[]>`
    select h.destruction_certificate_bk as certificate, s.first_leaf, s.leaf_count
    from ops.destruction_leaves_s s
    join ops.destruction_certificate_h h using (destruction_certificate_hk)
    where s.first_leaf >= coalesce((
        select max(before.first_leaf)
        from ops.destruction_leaves_s before
        where before.first_leaf <= ${from}), 0)
      and s.first_leaf < ${to}
      and s.first_leaf + s.leaf_count > ${from}
    order by s.first_leaf`),
];

/** The certificate for a leaf; null without one. */
export const certificateOf = (destroyed: readonly DestroyedLeaves[], index: number): string | null =>
  destroyed.find(({ first_leaf, leaf_count }) => index >= first_leaf && index < first_leaf + leaf_count)?.certificate ??
  null;

const CERTIFICATE_TABLES = ['destruction_certificate_h', 'destruction_certificate_s'] as const;

/**
 * The rows of certificates whose leaves are not among the first `tree_size`: those of the last seconds, before the
 * sequencer's next round, or a checkpoint.
 */
export const certificatesBeyond = async (
  sql: Sql | Transaction,
  registry: Registry,
  tree_size: number,
): Promise<VaultRow[]> => {
  const changes = await sql<{ change_id: number; table_name: string; row_count: number }[]>`
    select change.change_id, change.table_name, change.row_count
    from audit.leaf_batch batch
    join ops.load_change change using (change_id)
    left join audit.sequenced place using (leaf_batch_id)
    where batch.leaf_batch_id in (
        select leaf_batch_id
        from audit.leaf_queue
        union all
        select leaf_batch_id
        from audit.sequenced
        where first_index >= coalesce((
          select max(first_index) from audit.sequenced where first_index <= ${tree_size}), 0))
      and (place.first_index is null or place.first_index + place.leaf_count > ${tree_size})
      and change.table_name = any(${[...CERTIFICATE_TABLES]}::text[])
    order by change.change_id`;
  const rows: VaultRow[] = [];
  for (const table of CERTIFICATE_TABLES) {
    const pieces = changes
      .filter(({ table_name }) => table_name === table)
      .map(({ change_id, row_count }, position) => ({ position, change_id, skip: 0, take: row_count }));
    const entity = registry.entities.get(table);
    if (entity !== undefined) rows.push(...(await readPieces(sql, entity, pieces)).map((positioned) => positioned.row));
  }
  return rows;
};

/** A certificate is newer than the checkpoint that should prove it; the message contains the cure. */
export class CertificateNotCoveredError extends Error {
  constructor() {
    super(
      'calls were destroyed just now, and no checkpoint covers their certificate yet: ' +
        'the running product makes one within a minute',
    );
    this.name = 'CertificateNotCoveredError';
  }
}
