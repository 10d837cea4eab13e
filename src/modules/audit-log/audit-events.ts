import { OneVaultError } from '../../core/errors.ts';
import { list } from '../../http/outcome.ts';
import { CURSOR_QUERY, cursorPagination, perPageOf } from '../../http/paging.ts';
import { PERIOD_QUERY, type Period, periodOf } from '../../http/period.ts';
import type { QueryParameter } from '../../http/route.ts';
import { arrayOf, INSTANT, INTEGER, nullable, OPEN_OBJECT, objectOf, TEXT, UUID } from '../../http/schemas.ts';
import type { Sql } from '../../postgres/connect.ts';
import type { Caller } from '../../resources/access/caller.ts';
import { controlRoute } from '../control-route.ts';

const EVENT = objectOf('AuditEvent', {
  event_id: UUID,
  occurred_at: INSTANT,
  actor_kind: TEXT,
  actor: TEXT,
  action: TEXT,
  subject_kind: TEXT,
  subject: nullable(TEXT),
  outcome: TEXT,
  reason: nullable(TEXT),
  before: nullable(OPEN_OBJECT),
  after: nullable(OPEN_OBJECT),
  request_id: nullable(UUID),
  request_ip: nullable(TEXT),
  user_agent: nullable(TEXT),
  event_count: INTEGER,
  customers: arrayOf(TEXT),
});

const text = (description: string) =>
  ({ schema: { type: 'string', maxLength: 255 }, description }) as const satisfies QueryParameter;

/**
 * The audit events, oldest first. A customer sees the events that concern it, as HIPAA's accounting of disclosures
 * requires (45 CFR 164.528).
 */
export const listEvents = controlRoute(
  {
    method: 'get',
    plane: 'control',
    path: '/v1/audit/events',
    operation_id: 'audit.events',
    summary: 'Audit events of writes and reads',
    description: 'Customers see the events that concern them (45 CFR 164.528).',
    permission: 'audit.read',
    action: 'audit.read',
    subject_kind: 'event',
    query: {
      ...PERIOD_QUERY,
      actor: text('Who acted: the id of a key, or a name.'),
      action: text('As customer.create.'),
      customer: text('Whose data was changed or shown: its slug.'),
      ...CURSOR_QUERY,
    },
    responses: { 200: { description: 'Events, oldest first.', schema: EVENT, form: 'list' } },
    is_sensitive: true,
  },
  ({ sql, clock }) =>
    async ({ query, caller, draft, cursors }) => {
      const per_page = perPageOf(query);
      const previous = query.cursor === undefined ? null : cursors.open(query.cursor);
      const period = previous === null ? periodOf(query, clock.now()) : (previous.fixed as unknown as Period);
      const customer = customerWithin(caller, query.customer ?? null);
      const found = await findEvents(sql, {
        limit: per_page + 1,
        after: String(previous?.key[0] ?? query.after ?? ''),
        customer,
        ...period,
        actor: query.actor ?? null,
        action: query.action ?? null,
      });
      const rows = found.slice(0, per_page);
      if (customer !== null) draft.about(customer);
      draft.shows(rows.flatMap((row) => (customer === null ? row.customers : [customer])));
      const data = caller.customer === null ? rows : rows.map((row) => ownPart(row, caller.customer!));
      const next_cursor =
        found.length > per_page ? cursors.seal({ key: [rows.at(-1)!.event_id], fixed: { ...period } }) : null;
      return list(data, cursorPagination(per_page, next_cursor));
    },
);

/** An event as it is shown. Customers do not see the addresses, programs and requests of others. */
interface EventRow {
  readonly event_id: string;
  readonly customers: readonly string[];
  readonly request_id: string | null;
  readonly request_ip: string | null;
  readonly user_agent: string | null;
}

/** The customer whose events are shown; null for all. @throws OneVaultError forbidden */
const customerWithin = (caller: Caller, customer: string | null): string | null => {
  if (caller.customer === null || customer === null || customer === caller.customer) return caller.customer ?? customer;
  throw new OneVaultError('forbidden', { param: 'customer', details: 'A customer sees its own events.' });
};

/** The event without addresses, programs and requests, which may be those of others. */
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
