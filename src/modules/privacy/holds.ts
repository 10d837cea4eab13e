import { OneVaultError } from '../../core/errors.ts';
import { isUuid } from '../../core/ids.ts';
import type { Sql } from '../../postgres/connect.ts';
import type { Transaction } from '../../vault/transaction.ts';
import type { Decider, PrivacyDeps } from './deps.ts';
import { checkReason, findSubject, lockSubject } from './subject.ts';
import { writeDecision } from './write-decision.ts';

/** A legal hold as its last state says. */
export interface LegalHold {
  readonly id: string;
  readonly subject: string;
  readonly status: 'ACTIVE' | 'RELEASED';
  readonly reason: string;
  readonly decided_by: string;
  /** When it was laid on. */
  readonly created_at: string;
  /** When its state was decided. */
  readonly since: string;
}

/**
 * Lays a hold on a subject's data: none of it is erased until every hold is released. The same reason while it holds
 * lays no second one.
 * @returns the hold, and whether it is new
 * @throws OneVaultError not_found, invalid_request
 */
export const layHold = async (
  deps: PrivacyDeps,
  input: { readonly subject: string; readonly reason: string },
  decider: Decider,
): Promise<{ readonly hold: LegalHold; readonly is_new: boolean }> => {
  const { rows, nextId, sql } = deps;
  const { subject } = input;
  const reason = checkReason(input.reason);
  await findSubject(sql, subject);
  let id = nextId();
  let is_new = true;
  await writeDecision(deps, async (tx, stamp) => {
    await lockSubject(tx, subject);
    const same = (await activeHolds(tx, subject)).find((hold) => hold.reason === reason);
    if (same !== undefined) {
      id = same.id;
      is_new = false;
      return null;
    }
    const legal_hold_hk = rows.hubKey('legal_hold_h', { legal_hold_bk: id });
    const customer_hk = rows.hubKey('customer_h', { customer_bk: subject });
    const state = { hold_status: 'ACTIVE', reason, decided_by: decider.decided_by } as const;
    return {
      event_id: nextId(),
      event: { ...decider.event(subject, { hold: id, status: 'ACTIVE' }), reason },
      rows: [
        rows.hub('legal_hold_h', { legal_hold_bk: id }, stamp),
        rows.link('legal_hold_customer_l', { legal_hold_hk, customer_hk }, stamp),
        rows.satellite('legal_hold_s', legal_hold_hk, state, stamp),
      ],
    };
  });
  return { hold: await findHold(sql, id), is_new };
};

/**
 * Releases a hold. Releasing it again changes nothing.
 * @throws OneVaultError not_found, invalid_request
 */
export const releaseHold = async (
  deps: PrivacyDeps,
  input: { readonly id: string; readonly reason: string },
  decider: Decider,
): Promise<LegalHold> => {
  const { rows, nextId, sql } = deps;
  const reason = checkReason(input.reason);
  const { id, subject } = await findHold(sql, input.id);
  await writeDecision(deps, async (tx, stamp) => {
    await lockSubject(tx, subject);
    const { status } = await findHold(tx, id);
    if (status === 'RELEASED') return null;
    const state = { hold_status: 'RELEASED', reason, decided_by: decider.decided_by } as const;
    return {
      event_id: nextId(),
      event: { ...decider.event(subject, { hold: id, status: 'RELEASED' }), reason },
      rows: [rows.satellite('legal_hold_s', rows.hubKey('legal_hold_h', { legal_hold_bk: id }), state, stamp)],
    };
  });
  return findHold(sql, id);
};

/** @throws OneVaultError not_found */
export const findHold = async (sql: Sql | Transaction, id: string): Promise<LegalHold> => {
  const [hold] = isUuid(id) ? await sql<LegalHold[]>`${selectHold(sql)} and h.legal_hold_bk = ${id}` : [];
  if (hold === undefined) {
    throw new OneVaultError('not_found', { param: 'id', details: 'There is no such legal hold.' });
  }
  return hold;
};

/** The holds that keep a subject's data from being erased, oldest first. */
export const activeHolds = async (sql: Sql | Transaction, subject: string): Promise<LegalHold[]> => [
  ...(await sql<LegalHold[]>`
    ${selectHold(sql)}
    and c.customer_bk = ${subject}
    and s.hold_status = 'ACTIVE'
    order by h.legal_hold_bk`),
];

/** Holds by id, which is by age, of one subject or of all. */
export const listHolds = async (
  sql: Sql,
  page: { readonly limit: number; readonly after: string; readonly subject: string | null },
): Promise<LegalHold[]> => [
  ...(await sql<LegalHold[]>`
    ${selectHold(sql)}
    and h.legal_hold_bk > ${page.after}
    and ${page.subject === null ? sql`true` : sql`c.customer_bk = ${page.subject}`}
    order by h.legal_hold_bk
    limit ${page.limit}`),
];

const selectHold = (sql: Sql | Transaction) => sql`
  select
    h.legal_hold_bk as id,
    c.customer_bk as subject,
    s.hold_status as status,
    s.reason,
    s.decided_by,
    h.load_date as created_at,
    s.applied_date as since
  from privacy.legal_hold_h h
  join privacy.legal_hold_s_current s using (legal_hold_hk)
  join privacy.legal_hold_customer_l l using (legal_hold_hk)
  join gateway.customer_h c using (customer_hk)
  where h.legal_hold_bk <> 'unknown'`;
