import type { NewEvent } from '../../audit/record-event.ts';
import type { Sql } from '../../postgres/connect.ts';
import { resolveResource } from '../../resources/declaration/model.ts';
import type { Columns, Resource } from '../../resources/declaration/resource.ts';
import type { EngineDeps } from '../../resources/engine-deps.ts';
import { present } from '../../resources/reading/present.ts';
import { eventsBy } from '../../resources/writing/write-events.ts';
import { writeResource } from '../../resources/writing/write-resource.ts';
import type { Transaction } from '../../vault/transaction.ts';
import { checkReason } from './subject.ts';

/** Legal holds: a subject's data is not erased until every hold on it is released. */
export const legalHolds: Resource = {
  kind: 'legal_hold',
  summary: "A legal hold: a reason why a subject's data must not be erased.",
  path: '/privacy/holds',
  entity: 'legal_hold_h',
  id: 'uuid',
  scope: 'subject',
  satellites: ['legal_hold_s'],
  references: {
    subject: {
      hub: 'customer_h',
      link: 'legal_hold_customer_l',
      is_missing_404: true,
      description: 'Slug of a customer.',
    },
  },
  fields: {
    status: { column: 'hold_status', write: 'never', default: 'ACTIVE' },
    reason: { write: 'create', is_free_text: true, narrow: { minLength: 1 } },
    decided_by: 'never',
    created_at: { fact: 'created_at' },
    since: { fact: 'applied_from' },
  },
  filters: ['subject', 'status', 'created_at'],
  sorts: ['created_at', 'subject'],
  operations: ['list', 'create', 'read', 'delete', 'history'],
  names: {
    list: { permission: 'privacy.list', action: 'privacy.list' },
    create: { permission: 'privacy.hold', action: 'privacy.hold', subject_kind: 'customer' },
    read: { permission: 'privacy.read', action: 'privacy.read' },
    delete: { permission: 'privacy.release', action: 'privacy.release' },
  },
  end: {
    columns: { hold_status: 'RELEASED' },
    is_final: true,
    query: {
      reason: { schema: { type: 'string', maxLength: 2_000 }, description: 'Reason for the release.' },
    },
  },
  is_sensitive: true,
  record_source: 'control.privacy',
  lock: (_id, { subject }) => `subject/${subject}`,
  subject: ({ id }, { subject }, operation) => (operation === 'create' ? subject! : id!),
  hooks: {
    validate: (_deps, { columns, input, actor }) => {
      columns.reason = checkReason(String(input.reason ?? ''));
      columns.decided_by = actor;
    },
    // The same reason makes no second hold while the first is active.
    find_same: async (_deps, tx, { references, columns }) => {
      const holds = await activeHolds(tx, references.subject!);
      return holds.find(({ reason }) => reason === columns.reason)?.id ?? null;
    },
    event: ({ draft: { id }, after: { columns } }) => ({
      before: null,
      after: { hold: id.id, status: columns.hold_status },
      reason: columns.reason as string,
    }),
  },
};

/** A command's decision about holds. */
export interface HoldDecision {
  readonly actor: string;
  /** The event of the decision. @param subject the customer whose data it is about */
  readonly event: (subject: string) => NewEvent;
}

/** Sets a hold on a subject's data. @throws OneVaultError not_found, validation_error */
export const layHold = (
  deps: EngineDeps,
  input: { readonly subject: string; readonly reason: string },
  decision: HoldDecision,
): Promise<Columns> => decide(deps, decision, { operation: 'create', id: {}, input });

/** Releases a hold; a released one stays as it is. @throws OneVaultError not_found, validation_error */
export const releaseHold = (
  deps: EngineDeps,
  { id, reason }: { readonly id: string; readonly reason: string },
  decision: HoldDecision,
): Promise<Columns> => decide(deps, decision, { operation: 'delete', id: { id }, input: { reason } });

const decide = async (
  deps: EngineDeps,
  { actor, event }: HoldDecision,
  asked: { readonly operation: string; readonly id: Readonly<Record<string, string>>; readonly input: Columns },
): Promise<Columns> => {
  const model = resolveResource(deps.registry, legalHolds);
  const { shown } = await writeResource(deps, model, {
    operation: asked.operation,
    place: { id: asked.id, parent: null, confined_to: null },
    input: asked.input,
    actor,
    events: eventsBy(({ customers }) => event(customers![0]!)),
  });
  return present(model, shown, { sees_personal: true, only: null });
};

interface ActiveHold {
  readonly id: string;
  readonly reason: string;
  readonly created_at: string;
}

/** The holds that keep a subject's data from being erased, oldest first. */
export const activeHolds = async (sql: Sql | Transaction, subject: string): Promise<ActiveHold[]> => [
  ...(await sql<ActiveHold[]>`
    select h.legal_hold_bk as id, s.reason, h.load_date as created_at
    from privacy.legal_hold_h h
    join privacy.legal_hold_s_current s using (legal_hold_hk)
    join privacy.legal_hold_customer_l l using (legal_hold_hk)
    join gateway.customer_h c using (customer_hk)
    where c.customer_bk = ${subject}
      and s.hold_status = 'ACTIVE'
    order by h.legal_hold_bk`),
];
