import { OneVaultError } from '../../core/errors.ts';
import { picoFromUsd, usdFromPico } from '../../core/money.ts';
import { invalidField } from '../../http/faults.ts';
import { refuseEmail } from '../../resources/writing/refuse-email.ts';
import { lockName, save } from '../../resources/writing/save.ts';
import type { Content } from '../../vault/rows.ts';
import type { Transaction } from '../../vault/transaction.ts';
import { type ContextHandler, pageOf } from '../context-handler.ts';
import type { ControlDeps } from '../deps.ts';

export type CustomerConfig = Content<'customer_config_s'>;
type Amount = number | string | null;

/** What is agreed with a customer. */
export interface CustomerTerms {
  readonly name?: string;
  readonly cost_budget_monthly?: Amount;
  readonly cost_budget_daily?: Amount;
  readonly rate_limit_requests_per_minute?: number | null;
  readonly priority_tier?: CustomerConfig['priority_tier'];
  readonly compliance_level?: string | null;
  readonly preferred_providers?: string[] | null;
  readonly webhook_url?: string | null;
  readonly markup_basis_points?: number;
  readonly unpriced_policy?: CustomerConfig['unpriced_policy'];
}

interface NewCustomer extends CustomerTerms {
  readonly slug: string;
  readonly tenant?: string;
}

interface CustomerRow extends CustomerConfig {
  readonly slug: string;
  readonly tenant: string | null;
  readonly created_at: string;
}

const DEFAULT_TENANT = 'demo';

/** `POST /customers`. The same customer again is answered with what is there; other content with 409. */
export const createCustomer = (deps: ControlDeps): ContextHandler => {
  return async (ctx, draft) => {
    const input = ctx.state.body as NewCustomer;
    draft.about(input.slug);
    refuseEmail('name', input.name ?? '');
    const config = configOf(input);
    const tenant = input.tenant ?? DEFAULT_TENANT;
    const customer_hk = deps.rows.hubKey('customer_h', { customer_bk: input.slug });
    await refuseUnknownTenant(deps, tenant);
    let is_new = false;
    await save(deps, async (stamp, tx) => {
      await lockName(tx, `customer/${input.slug}`);
      const [existing] = await deps.reader.current(tx, 'customer_config_s', { hash_keys: [customer_hk] });
      if (existing !== undefined) {
        const is_same = existing.hash_diff === deps.rows.diff('customer_config_s', config);
        if (is_same && (await tenantOf(tx, input.slug)) === tenant) return null;
        throw new OneVaultError('already_exists', {
          param: 'slug',
          details: `GET /customers/${input.slug} shows it.`,
        });
      }
      is_new = true;
      draft.shows([input.slug]);
      const tenant_hk = deps.rows.hubKey('tenant_h', { tenant_bk: tenant });
      const rows = [
        deps.rows.hub('customer_h', { customer_bk: input.slug }, stamp),
        deps.rows.link('customer_tenant_l', { customer_hk, tenant_hk }, stamp),
        deps.rows.satellite(
          'customer_tenant_effectivity_s',
          deps.rows.linkKey('customer_tenant_l', { customer_hk, tenant_hk }),
          { is_effective: true },
          stamp,
        ),
        deps.rows.satellite('customer_config_s', customer_hk, config, stamp),
      ];
      return { rows, events: [draft.change(null, { tenant, ...tellableConfig(config) })] };
    });
    draft.shows([input.slug]);
    ctx.status = is_new ? 201 : 200;
    ctx.body = await findCustomer(deps, input.slug);
  };
};

/** `GET /customers/{slug}`. */
export const getCustomer =
  (deps: ControlDeps): ContextHandler =>
  async (ctx, draft) => {
    const slug = ctx.params.slug as string;
    draft.about(slug);
    ctx.body = await findCustomer(deps, slug);
    draft.shows([slug]);
  };

/** `GET /customers?limit=&after=`, by slug. */
export const listCustomers =
  ({ sql }: ControlDeps): ContextHandler =>
  async (ctx, draft) => {
    const { limit, after } = pageOf(ctx);
    const rows = await sql<CustomerRow[]>`
      ${selectCustomer(sql)}
      where h.customer_bk > ${after}
        and h.customer_bk <> 'unknown'
      order by h.customer_bk
      limit ${limit}`;
    draft.shows(rows.map(({ slug }) => slug));
    ctx.body = { data: rows.map(present), next: rows.length === limit ? rows.at(-1)!.slug : null };
  };

/** A customer as the control plane shows it. @throws OneVaultError not_found */
export const findCustomer = async ({ sql }: ControlDeps, slug: string) => {
  const [row] = slug.includes('\0')
    ? []
    : await sql<CustomerRow[]>`
        ${selectCustomer(sql)}
        where h.customer_bk = ${slug}
          and h.customer_bk <> 'unknown'`;
  if (row === undefined) throw new OneVaultError('not_found', { details: `There is no customer ${slug}.` });
  return present(row);
};

const selectCustomer = (sql: ControlDeps['sql']) => sql`
  select
    h.customer_bk as slug,
    t.tenant_bk as tenant,
    h.load_date as created_at,
    s.*
  from gateway.customer_config_s_current s
  join gateway.customer_h h using (customer_hk)
  left join gateway.customer_tenant_effectivity_s_current l using (customer_hk)
  left join auth.tenant_h t using (tenant_hk)`;

const tenantOf = async (tx: Transaction, slug: string): Promise<string | undefined> => {
  const [row] = await tx<{ tenant: string }[]>`
    select t.tenant_bk as tenant
    from gateway.customer_h h
    join gateway.customer_tenant_effectivity_s_current l using (customer_hk)
    join auth.tenant_h t using (tenant_hk)
    where h.customer_bk = ${slug}`;
  return row?.tenant;
};

const refuseUnknownTenant = async ({ sql }: ControlDeps, tenant: string): Promise<void> => {
  const [row] = await sql`
    select 1
    from auth.tenant_h
    where tenant_bk = ${tenant}
      and tenant_bk <> 'unknown'`;
  if (row === undefined) {
    throw invalidField('tenant', 'unknown_reference', `There is no tenant ${tenant}.`);
  }
};

/** A customer's configuration, with the defaults of what is not said. @throws OneVaultError invalid_request */
export const configOf = (input: CustomerTerms & { readonly slug: string }): CustomerConfig => ({
  customer_name: input.name ?? input.slug,
  customer_status: 'ACTIVE',
  api_key_encrypted: null,
  preferred_providers: input.preferred_providers ?? null,
  cost_budget_monthly: picoText('cost_budget_monthly', input.cost_budget_monthly ?? null),
  cost_budget_daily: picoText('cost_budget_daily', input.cost_budget_daily ?? null),
  compliance_level: input.compliance_level ?? null,
  rate_limit_requests_per_minute: input.rate_limit_requests_per_minute ?? null,
  priority_tier: input.priority_tier ?? 'STANDARD',
  webhook_url: input.webhook_url ?? null,
  markup_basis_points: input.markup_basis_points ?? 0,
  unpriced_policy: input.unpriced_policy ?? 'refuse',
});

/** What an event may tell of a contract: no secret, and no text in which a person's name may stand. */
export const tellableConfig = (config: CustomerConfig) => {
  const { customer_name: _name, api_key_encrypted: _key, webhook_url: _url, ...rest } = config;
  return rest;
};

const picoText = (param: string, amount: Amount): string | null => {
  if (amount === null) return null;
  try {
    return picoFromUsd(amount).toString();
  } catch (cause) {
    throw invalidField(param, 'format', (cause as Error).message);
  }
};

const present = (row: CustomerRow) => ({
  slug: row.slug,
  name: row.customer_name,
  status: row.customer_status,
  tenant: row.tenant,
  cost_budget_monthly: usdText(row.cost_budget_monthly),
  cost_budget_daily: usdText(row.cost_budget_daily),
  rate_limit_requests_per_minute: row.rate_limit_requests_per_minute,
  priority_tier: row.priority_tier,
  compliance_level: row.compliance_level,
  preferred_providers: row.preferred_providers,
  webhook_url: row.webhook_url,
  markup_basis_points: row.markup_basis_points,
  unpriced_policy: row.unpriced_policy,
  created_at: row.created_at,
});

const usdText = (pico: string | null): string | null => (pico === null ? null : usdFromPico(BigInt(pico)));
