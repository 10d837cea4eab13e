import type { Sql } from '../../postgres/connect.ts';
import type { PrivacyDeps } from './deps.ts';

/** An erasure whose key may still have copies that can be opened. */
export interface PendingErasure {
  readonly id: string;
  /** The existing master keys that may wrap such copies. */
  readonly master_key_ids_left: readonly string[];
}

// A round may complete a rotation whose new master key had wrapped the erased key; others wait for a running one.
const MAX_ROUNDS = 40;

/**
 * Makes copies of destroyed keys worthless: destroys every master key that may wrap them.
 * @returns null on success, else the reason why it is not possible now
 */
export const clearCopies = async ({
  sql,
  subject_kms,
}: Pick<PrivacyDeps, 'sql' | 'subject_kms'>): Promise<string | null> => {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const pending = await listPendingErasures(sql);
    if (pending.length === 0) return null;
    const reason = await subject_kms.destroyMasterKeys([
      ...new Set(pending.flatMap(({ master_key_ids_left }) => master_key_ids_left)),
    ]);
    if (reason !== null) return reason;
  }
  return 'somebody else is at it';
};

/** The incomplete erasures, the oldest first. */
export const listPendingErasures = async (sql: Sql): Promise<PendingErasure[]> => [
  ...(await sql<PendingErasure[]>`
    select
      h.erasure_bk as id,
      array_agg(m.master_key_id order by m.master_key_id) as master_key_ids_left
    from privacy.erasure_h h
    join privacy.erasure_s s using (erasure_hk)
    join privacy.master_key m on m.master_key_id = any(s.master_key_ids)
    where h.erasure_bk <> 'unknown'
      and m.destroyed_at is null
    group by h.erasure_bk
    order by h.erasure_bk`),
];
