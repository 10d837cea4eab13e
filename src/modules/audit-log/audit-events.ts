import { OneVaultError } from '../../core/errors.ts';
import { list } from '../../http/outcome.ts';
import { cursorPagination, perPageOf } from '../../http/paging.ts';
import { type Period, periodOf } from '../../http/period.ts';
import type { Sql } from '../../postgres/connect.ts';
import type { Caller } from '../../resources/access/caller.ts';
import type { Handler } from '../../resources/serving/control-route.ts';
import type { ControlDeps } from '../deps.ts';

/** An event as it is shown. Customers do not see the addresses, programs and requests of others. */
interface EventRow {
  readonly event_id: string;
  readonly customers: readonly string[];
  readonly request_id: string | null;
  readonly request_ip: string | null;
  readonly user_agent: string | null;
}

/**
 * `GET /v1/audit/events?from=&to=&actor=&action=&customer=`: the audit events, oldest first.
 * A customer sees the events that concern it, as HIPAA's accounting of disclosures requires (45 CFR 164.528).
 */
export const listEvents =
  ({ sql, clock }: ControlDeps): Handler =>
  async ({ query, caller, draft, cursors }) => {
    const per_page = perPageOf(query);
    const going_on = query.cursor === undefined ? null : cursors.open(String(query.cursor));
    const period = going_on === null ? periodOf(query, clock.now()) : (going_on.fixed as unknown as Period);
    const customer = customerFilter(caller, textOf(query.customer));
    const found = await findEvents(sql, {
      limit: per_page + 1,
      after: String(going_on?.key[0] ?? query.after ?? ''),
      customer,
      ...period,
      actor: textOf(query.actor),
      action: textOf(query.action),
    });
    const rows = found.slice(0, per_page);
    if (customer !== null) draft.about(customer);
    draft.shows(rows.flatMap((row) => (customer === null ? row.customers : [customer])));
    const data = caller.customer === null ? rows : rows.map((row) => ownPart(row, caller.customer!));
    const next_cursor =
      found.length > per_page ? cursors.seal({ key: [rows.at(-1)!.event_id], fixed: { ...period } }) : null;
    return list(data, cursorPagination(per_page, next_cursor));
  };

const textOf = (value: unknown): string | null => (value === undefined ? null : String(value));

const customerFilter = (caller: Caller, requested: string | null): string | null => {
  if (caller.customer === null || requested === null || requested === caller.customer)
    return caller.customer ?? requested;
  throw new OneVaultError('forbidden', { param: 'customer', details: 'A customer sees its own events.' });
};

const ownPart = (row: EventRow, customer: string): EventRow => ({
  ...row,
  customers: [customer],
  request_id: null,
  request_ip: null,
  user_agent: null,
});

interface EventFilter extends Period {
  readonly limit: number;
  readonly after: string;
  readonly customer: string | null;
  readonly actor: string | null;
  readonly action: string | null;
}

const findEvents = (sql: Sql, { limit, after, customer, from, to, actor, action }: EventFilter) => {
  // A customer's events are few among many, so the search starts from the customer.
  const of_customer = sql`
    and h.audit_event_hk in (
      select l.audit_event_hk
      from audit.audit_event_customer_l l
      join gateway.customer_h c using (customer_hk)
      where c.customer_bk = ${customer})`;
  return sql<EventRow[]>`
    select
      h.audit_event_bk as event_id,
      s.applied_date as occurred_at,
      s.actor_kind,
      s.actor,
      s.action,
      s.subject_kind,
      s.subject,
      s.outcome,
      s.reason,
      s.before,
      s.after,
      s.request_id,
      s.request_ip,
      s.user_agent,
      s.event_count,
      array(
        select c.customer_bk
        from audit.audit_event_customer_l l
        join gateway.customer_h c using (customer_hk)
        where l.audit_event_hk = s.audit_event_hk
        order by c.customer_bk) as customers
    from audit.audit_event_h h
    join audit.audit_event_s s using (audit_event_hk)
    where h.audit_event_bk > ${after}
      and h.record_source <> 'ghost'
      and s.applied_date >= ${from}::text::timestamptz
      and s.applied_date < ${to}::text::timestamptz
      ${actor === null ? sql`` : sql`and s.actor = ${actor}`}
      ${action === null ? sql`` : sql`and s.action = ${action}`}
      ${customer === null ? sql`` : of_customer}
    order by h.audit_event_bk
    limit ${limit}`;
};
