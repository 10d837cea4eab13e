import { CUSTOMER_HUB, EXPORT_PURPOSES, type ExportPurpose, type Link, type Satellite } from '../../vault/entity.ts';
import { customerSatellites, owningLink } from '../../vault/ownership.ts';
import type { Registry } from '../../vault/registry.ts';

/** A part of a subject's export: its contents, its purpose, and its retention. */
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
const PURPOSES: Readonly<Record<ExportPurpose, string>> = {
  contract: CONTRACT,
  duty: DUTY,
  call: `${CONTRACT} ${SECURITY} Prompts and responses are not stored, only salted commitments to them.`,
  security: SECURITY,
};

const KEPT = 'Kept unchanged: the audit trail is insert-only. It holds surrogate keys, no names.';
const KEPT_CALLS =
  'Kept unchanged until its day is past its retention; then it is destroyed, unless a legal hold keeps it. It holds surrogate keys, no names.';

export const PERSONAL_DATA: SectionHead = {
  name: 'personal_data',
  title: 'Personal data',
  purpose: 'Writing to the customer, and to the people who act for it (Art. 6(1)(b) GDPR).',
  retention: 'Until it is erased; it is encrypted under a key of its own, and erasing destroys the key.',
};

/**
 * Every other part: one for each satellite with `x-vault` owner customer, in the order of their purposes, and
 * two sums. No part has secret columns.
 */
export const queriedSections = (registry: Registry): readonly QueriedSection[] => {
  const sections = [
    ...customerSatellites(registry).map((satellite) => sectionOf(registry, satellite)),
    callsByMonth,
    destroyedCalls(registry),
  ];
  const rank = ({ purpose }: QueriedSection): number => EXPORT_PURPOSES.findIndex((each) => PURPOSES[each] === purpose);
  return sections.toSorted((a, b) => rank(a) - rank(b));
};

const KEY = "decode($1::text, 'hex')";

const sectionOf = (registry: Registry, satellite: Satellite): QueriedSection => {
  const { section: name, title, purpose } = satellite.subject_export!;
  const retention = satellite.retention === null ? KEPT : KEPT_CALLS;
  return { name, title, purpose: PURPOSES[purpose], retention, text: textOf(registry, satellite) };
};

/** Rows of a satellite, with the business keys of the other hubs of its customer's link. */
const textOf = (registry: Registry, satellite: Satellite): string => {
  const { name, hash_key, sub_key } = satellite;
  const { states, omit = [] } = satellite.subject_export!;
  const link = owningLink(registry, satellite);
  const is_dated = satellite.partition !== null;
  const dates = ['s.applied_date', ...(states === 'history' ? ['s.load_end_date'] : [])];
  const payload = shownColumns(satellite).filter((column) => !omit.includes(column));
  const keys = link === null ? [] : keysOf(registry, link);
  const order = is_dated
    ? [`s.load_date`, `s.${hash_key}`]
    : [...keys.map(({ column }) => column), ...TIMES.map((column) => `s.${column}`)];
  return `
    select ${[...keys.map(({ column, alias }) => `${column} as ${alias}`), ...dates, ...payload.map((column) => `s.${column}`)].join(', ')}
    from ${states === 'rows' ? name : `${name}_${states}`} s
    ${link === null ? '' : joins(registry, satellite, link)}
    where ${link === null ? 's' : 'l'}.${registry.hub(CUSTOMER_HUB).hash_key} = ${KEY}
    order by ${[...order, ...sub_key.map((column) => `s.${column}`)].join(', ')}`;
};

const TIMES = ['applied_date', 'load_date', 'hash_diff'];

const shownColumns = ({ payload }: Satellite): string[] =>
  payload.filter(({ privacy }) => privacy !== 'secret').map(({ name }) => name);

/** Each hub of the link except the customers', with its own alias. */
const hubsOf = (link: Link) =>
  link.hubs.filter(({ table }) => table !== CUSTOMER_HUB).map((hub, at) => ({ ...hub, alias: `h${at}` }));

const keysOf = (registry: Registry, link: Link) =>
  hubsOf(link).flatMap(({ table, alias }) =>
    registry.hub(table).business_key.map(({ name }) => ({
      column: `${alias}.${name}`,
      alias: name.replace(/_bk$/, ''),
    })),
  );

const joins = (registry: Registry, { hash_key, partition }: Satellite, link: Link): string => {
  const same_day = (alias: string): string => (partition === null ? '' : ` and ${alias}.load_date = l.load_date`);
  return [
    `join ${link.name} l on l.${hash_key} = s.${hash_key}${same_day('s')}`,
    ...hubsOf(link).map(({ table, column, alias }) => {
      const hub = registry.hub(table);
      return `join ${hub.name} ${alias} on ${alias}.${column} = l.${column}${hub.partition === null ? '' : same_day(alias)}`;
    }),
  ].join('\n    ');
};

const callsByMonth: QueriedSection = {
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
};

/** Certificates belong to the platform, but each of their sums is about one customer. */
const destroyedCalls = (registry: Registry): QueriedSection => ({
  name: 'destroyed_calls',
  title: 'Sums of calls that were destroyed',
  purpose: DUTY,
  retention: KEPT,
  text: `
    select
      h.destruction_certificate_bk as certificate,
      ${shownColumns(registry.satellite('destruction_usage_s'))
        .map((column) => `s.${column}`)
        .join(', ')}
    from gateway.customer_h c
    join ops.destruction_usage_s s on s.customer = c.customer_bk
    join ops.destruction_certificate_h h using (destruction_certificate_hk)
    where c.customer_hk = ${KEY}
    order by 1, s.usage_number`,
});
