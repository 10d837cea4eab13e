import type { Content, RowBuilder, Stamp, VaultRow } from '../vault/rows.ts';

type EventDetails = Content<'audit_event_s'>;
type Needed = 'actor_kind' | 'actor' | 'action' | 'subject_kind' | 'outcome';

/** An audit event: actor, action, subject and outcome. Missing fields are null, and `event_count` is 1. */
export interface AuditEvent extends Pick<EventDetails, Needed>, Partial<Omit<EventDetails, Needed>> {
  /** A UUIDv7. */
  readonly event_id: string;
  /** The customers whose data it changed or showed, by slug; each is in the vault. */
  readonly customers?: readonly string[];
}

/** Actor of an event. */
export type Actor = Pick<AuditEvent, 'actor_kind' | 'actor'>;

/**
 * The rows of an event, for the transaction of the action. Free texts of clients are cut to the length of their columns,
 * so that no event is refused for its user agent.
 * @throws TypeError or RangeError naming the column when `before` or `after` has no encoding
 */
export const eventRows = (rows: RowBuilder, event: AuditEvent, stamp: Stamp): VaultRow[] => {
  const key = { audit_event_bk: event.event_id };
  const audit_event_hk = rows.hubKey('audit_event_h', key);
  const details: EventDetails = {
    actor_kind: event.actor_kind,
    actor: textOf(event.actor, ACTOR_LENGTH),
    action: event.action,
    subject_kind: event.subject_kind,
    subject: textOrNull(event.subject),
    outcome: event.outcome,
    reason: textOrNull(event.reason),
    before: event.before ?? null,
    after: event.after ?? null,
    request_id: event.request_id ?? null,
    request_ip: event.request_ip ?? null,
    user_agent: textOrNull(event.user_agent),
    event_count: event.event_count ?? 1,
  };
  return [
    rows.hub('audit_event_h', key, stamp),
    rows.satellite('audit_event_s', audit_event_hk, details, stamp),
    ...[...new Set(event.customers)].map((customer_bk) =>
      rows.link(
        'audit_event_customer_l',
        { audit_event_hk, customer_hk: rows.hubKey('customer_h', { customer_bk }) },
        stamp,
      ),
    ),
  ];
};

// The lengths of their columns.
const ACTOR_LENGTH = 255;
const TEXT_LENGTH = 500;

const textOrNull = (text: string | null | undefined): string | null =>
  text == null ? null : textOf(text, TEXT_LENGTH);

const textOf = (text: string, length: number): string =>
  text.replaceAll('\0', '\ufffd').slice(0, length).toWellFormed();
