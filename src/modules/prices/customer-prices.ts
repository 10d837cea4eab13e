import type { Context } from 'koa';
import { agreedPriceOf } from '../../catalog/price-rows.ts';
import type { AgreedPriceRow } from '../../catalog/snapshot-queries.ts';
import { selectAgreedPrices } from '../../catalog/snapshot-queries.ts';
import { OneVaultError } from '../../core/errors.ts';
import { invalidField } from '../../http/faults.ts';
import type { PriceTier } from '../../pricing/prices.ts';
import type { EventDraft } from '../../resources/serving/control-route.ts';
import { refuseEmail } from '../../resources/writing/refuse-email.ts';
import { lockName, save } from '../../resources/writing/save.ts';
import { isVaultInstant } from '../../vault/row-schema.ts';
import type { Content, Stamp, VaultRow } from '../../vault/rows.ts';
import type { Transaction } from '../../vault/transaction.ts';
import type { ContextHandler } from '../context-handler.ts';
import type { ControlDeps } from '../deps.ts';
import { tierContent } from './price-rows.ts';
import { type NewCustomerPrice, NO_PRICES, presentTier, readTiers } from './read-customer-price.ts';

/**
 * `PUT /customers/{slug}/prices/{provider}/{model}`: what the customer pays for it from `applied_from` on, instead of
 * the provider's price with its markup.
 */
export const putCustomerPrice = (deps: ControlDeps): ContextHandler => {
  return async (ctx, draft) => {
    const asked = askedOf(deps, ctx, draft);
    const input = ctx.state.body as NewCustomerPrice;
    refuseEmail('agreement', input.agreement ?? '');
    const tiers = readTiers(input);
    const applied_from = readFrom(deps, 'applied_from', input.applied_from ?? null);
    const terms = { is_agreed: true, agreement: input.agreement ?? null };
    await state(deps, draft, asked, applied_from, { tiers, ...terms });
    ctx.body = { data: await readStatements(deps, asked) };
  };
};

/** `DELETE /customers/{slug}/prices/{provider}/{model}?applied_from=`: from then on it pays the provider's again. */
export const deleteCustomerPrice =
  (deps: ControlDeps): ContextHandler =>
  async (ctx, draft) => {
    const asked = askedOf(deps, ctx, draft);
    const given = ctx.query.applied_from;
    if (Array.isArray(given)) throw badInstant('applied_from');
    const applied_from = readFrom(deps, 'applied_from', given ?? null);
    const said = await readStatements(deps, asked);
    if (said.length === 0) {
      throw new OneVaultError('not_found', {
        details: `${asked.customer} has no prices of its own for ${asked.model} at ${asked.provider}.`,
      });
    }
    await state(deps, draft, asked, applied_from, { tiers: [ENDED], is_agreed: false, agreement: null });
    ctx.body = { data: await readStatements(deps, asked) };
  };

/** `GET /customers/{slug}/prices`: all that was ever agreed, by provider and model, the oldest first. */
export const listCustomerPrices =
  (deps: ControlDeps): ContextHandler =>
  async (ctx, draft) => {
    const customer = knownCustomer(deps, ctx, draft);
    ctx.body = { data: await readStatements(deps, { customer }) };
  };

interface Asked {
  readonly customer: string;
  readonly provider: string;
  readonly model: string;
}

interface Statement {
  readonly tiers: readonly PriceTier[];
  readonly is_agreed: boolean;
  readonly agreement: string | null;
}

const ENDED: PriceTier = {
  tier: 0,
  service_tier: 'standard',
  above_prompt_tokens: 0,
  daily_from_s: null,
  daily_until_s: null,
  prices: NO_PRICES,
};

const knownCustomer = ({ snapshot }: ControlDeps, ctx: Context, draft: EventDraft): string => {
  const customer = ctx.params.slug as string;
  draft.about(customer);
  if (!snapshot().customers.has(customer))
    throw new OneVaultError('not_found', { details: `There is no customer ${customer}.` });
  draft.shows([customer]);
  return customer;
};

const askedOf = (deps: ControlDeps, ctx: Context, draft: EventDraft): Asked => {
  const customer = knownCustomer(deps, ctx, draft);
  const { provider, model } = ctx.params as { provider: string; model: string };
  const deployments = deps.snapshot().models.get(model)?.deployments ?? [];
  if (!deployments.some((deployment) => deployment.provider === provider)) {
    throw new OneVaultError('not_found', {
      details: `There is no model ${model} at a provider ${provider}: GET /v1/ai/models lists those that are.`,
    });
  }
  return { customer, provider, model };
};

/** Null: now. What was called before was rated, and stays so. */
const readFrom = ({ clock }: ControlDeps, param: string, given: string | null): string | null => {
  if (given === null) return null;
  if (!isVaultInstant(given)) throw badInstant(param);
  if (Date.parse(given) >= clock.now()) return given;
  throw invalidField(param, 'past', `${param} has passed, and the calls since then are rated: leave it out for now.`);
};

const badInstant = (param: string): Error =>
  invalidField(param, 'format', `${param} is one instant in UTC, as 2026-12-01T00:00:00Z.`);

const state = (
  deps: ControlDeps,
  draft: EventDraft,
  asked: Asked,
  applied_from: string | null,
  statement: Statement,
): Promise<void> =>
  save(deps, async (stamp, tx) => {
    await lockName(tx, `customer price/${asked.customer}/${asked.provider}/${asked.model}`);
    const at = { ...stamp, applied_date: applied_from ?? stamp.applied_date };
    const said = await selectAgreed(tx, asked);
    const before = said.findLast((row) => Date.parse(row.applied_date) <= Date.parse(at.applied_date)) ?? null;
    const { keys, rows } = rowsOf(deps, asked, statement, at);
    const agreed_version = String(rows[0]?.values.hash_diff);
    if (before?.agreed_version === agreed_version) return null;
    const change = draft.change(before === null ? null : { ...asked, ...told(before) }, {
      ...asked,
      applied_from: at.applied_date,
      is_agreed: statement.is_agreed,
      agreed_version,
    });
    return { rows: [...keys, ...rows], events: [change] };
  });

const told = ({ applied_date, is_agreed, agreed_version }: AgreedPriceRow) => ({
  applied_from: applied_date,
  is_agreed,
  agreed_version,
});

const rowsOf = (
  { rows }: ControlDeps,
  { customer, provider, model }: Asked,
  { tiers, is_agreed, agreement }: Statement,
  stamp: Stamp,
): { readonly keys: VaultRow[]; readonly rows: VaultRow[] } => {
  const hubs = {
    customer_hk: rows.hubKey('customer_h', { customer_bk: customer }),
    model_hk: rows.hubKey('model_h', { model_bk: model }),
    provider_hk: rows.hubKey('ai_provider_h', { provider_bk: provider }),
  };
  const link_hk = rows.linkKey('customer_price_l', hubs);
  const contents = tiers.map((tier): Content<'customer_price_s'> => ({ ...tierContent(tier), is_agreed, agreement }));
  return {
    keys: [rows.link('customer_price_l', hubs, stamp)],
    rows: rows.satelliteSet('customer_price_s', link_hk, contents, stamp),
  };
};

const readStatements = ({ sql }: ControlDeps, asked: { readonly customer: string } & Partial<Asked>) =>
  sql.begin('read only', async (tx) => {
    const rows = await selectAgreed(tx, asked);
    return rows.map((row) => ({
      provider: row.provider,
      model: row.model,
      applied_from: row.applied_date,
      is_agreed: row.is_agreed,
      agreement: row.agreement,
      agreed_version: row.agreed_version,
      tiers: row.is_agreed ? agreedPriceOf(row).tiers.map(presentTier) : [],
    }));
  });

const selectAgreed = async (
  tx: Transaction,
  { customer, provider, model }: { readonly customer: string } & Partial<Asked>,
): Promise<AgreedPriceRow[]> => {
  const links = await tx<{ key: string }[]>`
    select l.customer_price_link_hk as key
    from gateway.customer_price_l l
    join gateway.customer_h c using (customer_hk)
    where c.customer_bk = ${customer}`;
  const keys = links.map(({ key }) => key);
  const rows = await selectAgreedPrices(tx, keys);
  return rows.filter(
    (row) => (provider === undefined || row.provider === provider) && (model === undefined || row.model === model),
  );
};
