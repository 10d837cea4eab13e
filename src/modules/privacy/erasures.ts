import { OneVaultError } from '../../core/errors.ts';
import { isUuid } from '../../core/ids.ts';
import type { Sql } from '../../postgres/connect.ts';
import { personSatellites } from '../../vault/ownership.ts';
import type { Registry } from '../../vault/registry.ts';
import type { Transaction } from '../../vault/transaction.ts';
import { clearCopies, listPendingErasures } from './clear-copies.ts';
import type { Decider, PrivacyDeps } from './deps.ts';
import { activeHolds } from './holds.ts';
import { checkReason, findSubject, lockSubject } from './subject.ts';
import { writeDecision } from './write-decision.ts';

/** The certificate of an erasure. */
export interface ErasureCertificate {
  readonly id: string;
  readonly subject: string;
  readonly reason: string;
  readonly requested_by: string;
  readonly erased_at: string;
  /** The destroyed key; null if the subject had none. */
  readonly subject_key_id: string | null;
  /** Rows of personal data that cannot be read any more. */
  readonly states_erased: number;
  /** The state of copies of the wrapped key outside the table: backups, write-ahead log, dead rows. */
  readonly copies: {
    /** `worthless`: every master key that may wrap them is destroyed. */
    readonly status: 'none' | 'worthless' | 'pending';
    readonly since: string | null;
    readonly master_key_ids: readonly string[];
    /** The master keys that still exist. A retry runs every quarter of an hour, and with `onevault keys rotate`. */
    readonly master_key_ids_left: readonly string[];
  };
  /** The event of the erasure in the audit log. */
  readonly audit_event_id: string;
  /** The path of the proof that the log holds this erasure, once a checkpoint covers it. */
  readonly proof: string;
  readonly statement: string;
}

interface ErasureRow {
  readonly id: string;
  readonly subject: string;
  readonly reason: string;
  readonly requested_by: string;
  readonly erased_at: string;
  readonly subject_key_id: string | null;
  readonly master_key_ids: readonly string[];
  readonly states_erased: number;
  readonly left: readonly string[];
  readonly destroyed_at: string | null;
}

/**
 * Erases a subject's personal data: destroys its key, and then the master key that may wrap copies of it. For
 * a subject without new data since its last erasure, returns that certificate and retries the steps that are still open.
 * @returns the certificate, and whether the erasure is new
 * @throws OneVaultError not_found, invalid_request, legal_hold
 */
export const eraseSubject = async (
  deps: PrivacyDeps,
  input: { readonly subject: string; readonly reason: string },
  decider: Decider,
): Promise<{ readonly certificate: ErasureCertificate; readonly is_new: boolean }> => {
  const { rows, nextId, sql, registry } = deps;
  const { subject } = input;
  const reason = checkReason(input.reason);
  await findSubject(sql, subject);
  let id = nextId();
  let is_new = true;
  await writeDecision(deps, async (tx, stamp) => {
    await lockSubject(tx, subject);
    await refuseHeld(tx, subject);
    const customer_hk = rows.hubKey('customer_h', { customer_bk: subject });
    const destroyed = await destroyKey(tx, registry, customer_hk);
    const earlier = destroyed.subject_key_id === null ? await lastErasure(tx, subject) : null;
    if (earlier !== null) {
      id = earlier;
      is_new = false;
      return null;
    }
    const erasure_hk = rows.hubKey('erasure_h', { erasure_bk: id });
    const payload = { reason, requested_by: decider.decided_by, ...destroyed };
    return {
      event_id: id,
      event: { ...decider.event(subject, { erasure: id, ...destroyed }), reason },
      rows: [
        rows.hub('erasure_h', { erasure_bk: id }, stamp),
        rows.link('erasure_customer_l', { erasure_hk, customer_hk }, stamp),
        rows.satellite('erasure_s', erasure_hk, payload, stamp),
      ],
    };
  });
  // The job erasures retries the steps that fail now.
  if ((await listPendingErasures(sql)).some((pending) => pending.id === id)) {
    await deps.subject_kms.dropDeadRows();
    await clearCopies(deps);
  }
  return { certificate: await findErasure(sql, id), is_new };
};

const refuseHeld = async (tx: Transaction, subject: string): Promise<void> => {
  const holds = await activeHolds(tx, subject);
  if (holds.length === 0) return;
  const named = holds.map(({ id, reason, created_at }) => `${id} (${reason}, since ${created_at})`).join('; ');
  throw new OneVaultError('legal_hold', {
    param: 'subject',
    details: `${subject} is under ${holds.length === 1 ? 'the legal hold' : 'the legal holds'} ${named}. Release ${holds.length === 1 ? 'it' : 'them'} first: DELETE /privacy/holds/{id}.`,
  });
};

const destroyKey = async (tx: Transaction, registry: Registry, customer_hk: string) => {
  const [key] = await tx<{ subject_key_id: string }[]>`
    delete from privacy.subject_key
    where customer_hk = ${customer_hk}::bytea
    returning subject_key_id`;
  if (key === undefined) return { subject_key_id: null, master_key_ids: [], states_erased: 0 };
  const { subject_key_id } = key;
  const states_erased = await countSealed(tx, registry, customer_hk, subject_key_id);
  // Not only the last wrapping key: a backup may be older than a rotation that kept its old master key.
  const masters = await tx<{ master_key_id: string }[]>`
    select master_key_id
    from privacy.master_key
    where destroyed_at is null
    order by first_used_at, master_key_id`;
  return { subject_key_id, master_key_ids: masters.map((each) => each.master_key_id), states_erased };
};

/** The rows of personal data that a subject's key opens. */
const countSealed = async (
  tx: Transaction,
  registry: Registry,
  customer_hk: string,
  subject_key_id: string,
): Promise<number> => {
  let count = 0;
  for (const { name, hash_key } of personSatellites(registry)) {
    const [row] = await tx<[{ count: number }]>`
      select count(*)::integer as count
      from ${tx(name)}
      where ${tx(hash_key)} = ${customer_hk}::bytea
        and subject_key_id = ${subject_key_id}`;
    count += row.count;
  }
  return count;
};

const lastErasure = async (tx: Transaction, subject: string): Promise<string | null> => {
  const [row] = await tx<{ id: string }[]>`
    select h.erasure_bk as id
    from privacy.erasure_h h
    join privacy.erasure_customer_l l using (erasure_hk)
    join gateway.customer_h c using (customer_hk)
    where c.customer_bk = ${subject}
      and h.erasure_bk <> 'unknown'
    order by h.erasure_bk desc
    limit 1`;
  return row?.id ?? null;
};

/** @throws OneVaultError not_found */
export const findErasure = async (sql: Sql, id: string): Promise<ErasureCertificate> => {
  const [row] = isUuid(id) ? await sql<ErasureRow[]>`${selectErasure(sql)} and h.erasure_bk = ${id}` : [];
  if (row === undefined) {
    throw new OneVaultError('not_found', { param: 'id', details: 'There is no such erasure.' });
  }
  return certificateOf(row);
};

const selectErasure = (sql: Sql) => sql`
  select
    h.erasure_bk as id,
    c.customer_bk as subject,
    s.reason,
    s.requested_by,
    s.applied_date as erased_at,
    s.subject_key_id,
    s.master_key_ids,
    s.states_erased,
    array(
      select m.master_key_id
      from privacy.master_key m
      where m.master_key_id = any(s.master_key_ids)
        and m.destroyed_at is null
      order by m.master_key_id) as left,
    (
      select max(m.destroyed_at)
      from privacy.master_key m
      where m.master_key_id = any(s.master_key_ids)) as destroyed_at
  from privacy.erasure_h h
  join privacy.erasure_s s using (erasure_hk)
  join privacy.erasure_customer_l l using (erasure_hk)
  join gateway.customer_h c using (customer_hk)
  where h.erasure_bk <> 'unknown'`;

const certificateOf = ({ left, destroyed_at, master_key_ids, ...row }: ErasureRow): ErasureCertificate => {
  const is_nothing = row.subject_key_id === null;
  const is_pending = left.length > 0;
  const status = is_nothing ? 'none' : is_pending ? 'pending' : 'worthless';
  return {
    ...row,
    copies: {
      status,
      since: status === 'worthless' ? destroyed_at : null,
      master_key_ids,
      master_key_ids_left: left,
    },
    audit_event_id: row.id,
    proof: `/privacy/erasures/${row.id}/proof`,
    statement: STATEMENTS[status],
  };
};

const STATEMENTS = {
  none: 'No personal data of the subject was held in readable form.',
  worthless:
    'The key of the subject is destroyed, and so is every master key that a copy of it may be wrapped under: what was encrypted with it cannot be read by anyone.',
  pending:
    'The key of the subject is destroyed and nothing that the product holds reads its data. Until the master keys named are destroyed too (onevault keys rotate), whoever has an old backup of the database and those master keys could.',
} as const;
