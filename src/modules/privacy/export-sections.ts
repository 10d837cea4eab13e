import type { Registry } from '../../vault/registry.ts';

/** A part of what a subject is given of its data: what it is, what it is kept for, and for how long. */
export interface SectionHead {
  readonly name: string;
  readonly title: string;
  readonly purpose: string;
  readonly retention: string;
}

/** A part that one statement reads; $1 is the customer's hash key in hex. */
export interface QueriedSection extends SectionHead {
  readonly text: string;
}

const CONTRACT = 'Performing the contract with the customer (Art. 6(1)(b) GDPR).';
const DUTY = 'Records that the law asks for (Art. 6(1)(c) GDPR).';
const SECURITY = 'Security, and proof of what was done and who looked (Art. 6(1)(f) GDPR).';
const KEPT = 'Kept unchanged: the audit trail is insert-only. It holds surrogate keys, no names.';

const KEPT_CALLS =
  'Kept unchanged until its day is past its retention; then it is destroyed, unless a legal hold keeps it. It holds surrogate keys, no names.';

export const PERSONAL_DATA: SectionHead = {
  name: 'personal_data',
  title: 'Personal data',
  purpose: 'Writing to the customer, and to the people who act for it (Art. 6(1)(b) GDPR).',
  retention: 'Until it is erased; it is encrypted under a key of its own, and erasing destroys the key.',
};

/** Every other part, in order. Columns that are secret are in none. */
export const queriedSections = (registry: Registry): readonly QueriedSection[] => {
  const columns = (table: string): string =>
    registry
      .satellite(table)
      .payload.filter(({ privacy }) => privacy !== 'secret')
      .map(({ name }) => `s.${name}`)
      .join(', ');
  return [
    {
      name: 'configuration',
      title: 'Contract and limits',
      purpose: CONTRACT,
      retention: KEPT,
      text: `
        select s.applied_date, s.load_end_date, ${columns('customer_config_s')}
        from gateway.customer_config_s_history s
        where s.customer_hk = ${KEY}
        order by s.applied_date, s.load_date, s.hash_diff`,
    },
    {
      name: 'api_keys',
      title: 'API keys, without the keys',
      purpose: CONTRACT,
      retention: KEPT,
      text: `
        select h.api_key_bk as api_key, s.applied_date, s.load_end_date, ${columns('api_key_s')}
        from auth.api_key_customer_l l
        join auth.api_key_h h using (api_key_hk)
        join auth.api_key_s_history s using (api_key_hk)
        where l.customer_hk = ${KEY}
        order by h.api_key_bk, s.applied_date, s.load_date, s.hash_diff`,
    },
    {
      name: 'provider_keys',
      title: 'Keys brought for providers, without the keys',
      purpose: CONTRACT,
      retention: KEPT,
      text: ofProviderKeys(columns, 'customer_provider_keys_s'),
    },
    {
      name: 'provider_key_terms',
      title: 'Where those keys are used',
      purpose: CONTRACT,
      retention: KEPT,
      text: ofProviderKeys(columns, 'customer_provider_key_terms_s'),
    },
    {
      name: 'legal_holds',
      title: 'Legal holds',
      purpose: DUTY,
      retention: KEPT,
      text: `
        select h.legal_hold_bk as legal_hold, s.applied_date, s.load_end_date, ${columns('legal_hold_s')}
        from privacy.legal_hold_customer_l l
        join privacy.legal_hold_h h using (legal_hold_hk)
        join privacy.legal_hold_s_history s using (legal_hold_hk)
        where l.customer_hk = ${KEY}
        order by h.legal_hold_bk, s.applied_date, s.load_date, s.hash_diff`,
    },
    {
      name: 'erasures',
      title: 'Erasures',
      purpose: DUTY,
      retention: KEPT,
      text: `
        select h.erasure_bk as erasure, s.applied_date, ${columns('erasure_s')}
        from privacy.erasure_customer_l l
        join privacy.erasure_h h using (erasure_hk)
        join privacy.erasure_s s using (erasure_hk)
        where l.customer_hk = ${KEY}
        order by h.erasure_bk`,
    },
    ...moneySections(columns),
    ...callSections(columns),
  ];
};

const KEY = "decode($1::text, 'hex')";

type Columns = (table: string) => string;

const ofProviderKeys = (columns: Columns, table: string): string => `
        select p.provider_bk as provider, s.applied_date, s.load_end_date, ${columns(table)}
        from gateway.customer_provider_keys_l l
        join gateway.ai_provider_h p using (provider_hk)
        join gateway.${table}_history s using (customer_provider_key_hk)
        where l.customer_hk = ${KEY}
        order by p.provider_bk, s.applied_date, s.load_date, s.hash_diff`;

const moneySections = (columns: Columns): readonly QueriedSection[] => [
  {
    name: 'prices',
    title: 'Prices agreed on, in pico-dollars',
    purpose: CONTRACT,
    retention: KEPT,
    text: `
      select m.model_bk as model, p.provider_bk as provider, s.applied_date, s.load_end_date, ${columns('customer_price_s')}
      from gateway.customer_price_l l
      join gateway.model_h m using (model_hk)
      join gateway.ai_provider_h p using (provider_hk)
      join gateway.customer_price_s_history s using (customer_price_link_hk)
      where l.customer_hk = ${KEY}
      order by m.model_bk, p.provider_bk, s.applied_date, s.load_date, s.hash_diff, s.tier`,
  },
  {
    name: 'spending',
    title: 'Spending, in pico-dollars',
    purpose: CONTRACT,
    retention: KEPT,
    text: `
      select ${columns('customer_spending_s')}
      from gateway.customer_spending_l l
      join gateway.customer_spending_s_current s using (spending_hk)
      where l.customer_hk = ${KEY}
      order by s.billing_period`,
  },
  {
    name: 'invoices',
    title: 'Invoices, in pico-dollars',
    purpose: DUTY,
    retention: KEPT,
    text: `
      select h.invoice_bk as invoice, ${columns('invoice_s')}
      from billing.invoice_customer_l l
      join billing.invoice_h h using (invoice_hk)
      join billing.invoice_s_current s using (invoice_hk)
      where l.customer_hk = ${KEY}
      order by s.issued_at, h.invoice_bk`,
  },
  {
    name: 'invoice_lines',
    title: 'Lines of the invoices',
    purpose: DUTY,
    retention: KEPT,
    text: `
      select h.invoice_bk as invoice, ${columns('invoice_line_s')}
      from billing.invoice_customer_l l
      join billing.invoice_h h using (invoice_hk)
      join billing.invoice_line_s_current s using (invoice_hk)
      where l.customer_hk = ${KEY}
      order by h.invoice_bk, s.line_number`,
  },
];

const callSections = (columns: Columns): readonly QueriedSection[] => [
  {
    name: 'calls_by_month',
    title: 'Calls by month and model',
    purpose: CONTRACT,
    retention: KEPT_CALLS,
    text: `
      select
        to_char(s.applied_date at time zone 'UTC', 'YYYY-MM') as month,
        p.provider_bk as provider,
        m.model_bk as model,
        count(*) as calls,
        sum(s.prompt_tokens)::bigint as prompt_tokens,
        sum(s.completion_tokens)::bigint as completion_tokens,
        sum(s.customer_cost) as customer_cost
      from gateway.api_request_l l
      join gateway.api_request_s s using (load_date, api_request_hk)
      join gateway.ai_provider_h p using (provider_hk)
      join gateway.model_h m using (model_hk)
      where l.customer_hk = ${KEY}
      group by 1, 2, 3
      order by 1, 2, 3`,
  },
  {
    name: 'calls',
    title: 'Calls',
    retention: KEPT_CALLS,
    purpose: `${CONTRACT} ${SECURITY} Prompts and replies are not kept, only salted commitments to them.`,
    text: `
      select
        h.api_request_bk as request,
        k.api_key_bk as api_key,
        p.provider_bk as provider,
        m.model_bk as model,
        ${columns('api_request_s')}
      from gateway.api_request_l l
      join gateway.api_request_s s using (load_date, api_request_hk)
      join gateway.api_request_h h using (load_date, api_request_hk)
      join auth.api_key_h k using (api_key_hk)
      join gateway.ai_provider_h p using (provider_hk)
      join gateway.model_h m using (model_hk)
      where l.customer_hk = ${KEY}
      order by l.load_date, l.api_request_hk`,
  },
  {
    name: 'destroyed_calls',
    title: 'Sums of calls that were destroyed',
    purpose: DUTY,
    retention: KEPT,
    text: `
      select
        h.destruction_certificate_bk as certificate,
        ${columns('destruction_usage_s')}
      from gateway.customer_h c
      join ops.destruction_usage_s s on s.customer = c.customer_bk
      join ops.destruction_certificate_h h using (destruction_certificate_hk)
      where c.customer_hk = ${KEY}
      order by 1, s.usage_number`,
  },
  {
    name: 'reports',
    title: 'Reports about the customer',
    purpose: DUTY,
    retention: KEPT,
    text: `
      select h.report_bk as report, s.applied_date, ${columns('report_s')}
      from ops.report_customer_l l
      join ops.report_h h using (report_hk)
      join ops.report_s s using (report_hk)
      where l.customer_hk = ${KEY}
      order by s.applied_date, h.report_bk`,
  },
  {
    name: 'audit_events',
    title: 'Who did what, and who looked',
    purpose: SECURITY,
    retention: KEPT,
    // The addresses and programs of those who looked are theirs.
    text: `
      select
        h.audit_event_bk as audit_event,
        s.applied_date,
        s.actor_kind,
        s.actor,
        s.action,
        s.subject_kind,
        s.subject,
        s.outcome,
        s.reason,
        s.before,
        s.after,
        s.event_count
      from audit.audit_event_customer_l l
      join audit.audit_event_h h using (audit_event_hk)
      join audit.audit_event_s s using (audit_event_hk)
      where l.customer_hk = ${KEY}
      order by h.audit_event_bk`,
  },
];
