import { priceOf } from '../../catalog/price-rows.ts';
import { type PriceRow, selectDeployments, selectPrices } from '../../catalog/snapshot-queries.ts';
import { invalidField } from '../../http/faults.ts';
import type { PriceTier } from '../../pricing/prices.ts';
import { lockName, save } from '../../resources/writing/save.ts';
import type { Content, Stamp } from '../../vault/rows.ts';
import type { ContextHandler } from '../context-handler.ts';
import type { ControlDeps } from '../deps.ts';
import { type PriceTerms, presentTier, priceRows } from '../prices/service.ts';
import { type OfferedModel, readOfferedPrice } from './read-deployment.ts';

type Details = Content<'model_s'>;

/**
 * `POST /v1/deployments`: what a provider serves from now on, and for what price; without one it is unpriced. Of a model that
 * is known already, what is left out stays as it is, but for the price, which is said whole.
 */
export const offerModel = (deps: ControlDeps): ContextHandler => {
  return async (ctx, draft) => {
    const input = ctx.state.body as OfferedModel;
    const { provider, model } = input;
    draft.about(`${provider}/${model}`);
    refuseUnknownProvider(deps, provider);
    const tiers = readOfferedPrice(input);
    const terms: PriceTerms = {
      provider_model_name: input.served_as ?? model,
      price_source: ADMINISTRATOR,
      is_offered: input.is_offered ?? true,
    };
    const { rows, reader } = deps;
    const model_hk = rows.hubKey('model_h', { model_bk: model });
    const provider_hk = rows.hubKey('ai_provider_h', { provider_bk: provider });
    const offer_hk = rows.linkKey('model_provider_l', { model_hk, provider_hk });
    const said = { ...terms, tiers: tiers.map(presentTier) };
    let is_new = false;
    let details: Details | undefined;
    await save(deps, async (stamp, tx) => {
      await lockName(tx, `model/${model}`);
      const [known] = await reader.current(tx, 'model_s', { hash_keys: [model_hk] });
      details = detailsOf(input, known);
      const row = standingAt(Date.parse(stamp.load_date), await selectPrices(tx, [offer_hk]));
      const before = row === undefined ? null : presentPrice(row);
      is_new = before === null;
      const is_same = before !== null && textOf(termsOf(row!), priceOf(row!).tiers) === textOf(terms, tiers);
      const changes = [
        ...(known?.hash_diff === rows.diff('model_s', details)
          ? []
          : [rows.satellite('model_s', model_hk, details, stamp)]),
        ...(is_same
          ? []
          : [
              ...priceRows(rows, offer_hk, { terms, tiers }, stamp),
              rows.satellite('model_provider_tracking_s', offer_hk, { is_present: terms.is_offered }, stamp),
            ]),
      ];
      if (changes.length === 0) return null;
      return {
        rows: [...offerKeys(deps, { model, model_hk, provider_hk }, stamp), ...changes],
        events: [draft.change(before, { ...details, ...said })],
      };
    });
    ctx.status = is_new ? 201 : 200;
    ctx.body = { provider, model, ...details, ...said };
  };
};

/** `GET /v1/deployments?provider=&price_source=`: what each provider serves now, under which name of its own, and its price. */
export const listOffers =
  ({ sql, clock }: ControlDeps): ContextHandler =>
  async (ctx) => {
    const { provider, price_source } = ctx.query;
    const found = await sql.begin('isolation level repeatable read read only', async (tx) => ({
      deployments: await selectDeployments(tx),
      prices: Map.groupBy(await selectPrices(tx), ({ offer_hk }) => offer_hk),
    }));
    const data = found.deployments
      .flatMap((deployment) => {
        const row = standingAt(clock.now(), found.prices.get(deployment.offer_hk) ?? []);
        if (row === undefined || deployment.provider === 'unknown') return [];
        const { applied_date: applied_from } = row;
        return [{ provider: deployment.provider, model: deployment.model, applied_from, ...presentPrice(row) }];
      })
      .filter(
        (deployment) =>
          (provider === undefined || deployment.provider === provider) &&
          (price_source === undefined || deployment.price_source === price_source),
      );
    ctx.body = { data };
  };

const ADMINISTRATOR = 'administrator';

/** The price that holds, by its own date: one of the future may be said already. */
const standingAt = (now_ms: number, prices: readonly PriceRow[]): PriceRow | undefined =>
  prices.findLast(({ applied_date }) => Date.parse(applied_date) <= now_ms);

const termsOf = ({ provider_model_name, price_source, is_offered }: PriceRow): PriceTerms => ({
  provider_model_name,
  price_source,
  is_offered,
});

const presentPrice = (row: PriceRow) => ({ ...termsOf(row), tiers: priceOf(row).tiers.map(presentTier) });

const textOf = (terms: PriceTerms, tiers: readonly PriceTier[]): string =>
  JSON.stringify([terms, tiers.map((tier) => ({ ...presentTier(tier), place: tier.tier }))]);

const refuseUnknownProvider = ({ snapshot }: ControlDeps, provider: string): void => {
  const { providers } = snapshot();
  if (providers.has(provider)) return;
  const details = `There is no provider ${provider}: it is one of ${[...providers.keys()].sort().join(', ')}.`;
  throw invalidField('provider', 'unknown_reference', details);
};

const offerKeys = (
  { rows }: ControlDeps,
  { model, model_hk, provider_hk }: { model: string; model_hk: string; provider_hk: string },
  stamp: Stamp,
) => [rows.hub('model_h', { model_bk: model }, stamp), rows.link('model_provider_l', { model_hk, provider_hk }, stamp)];

const detailsOf = (input: OfferedModel, known: Details | undefined): Details => ({
  model_name: known?.model_name ?? input.model,
  model_family: input.family ?? known?.model_family ?? null,
  capabilities: input.capabilities ?? known?.capabilities ?? ['chat', 'streaming', 'tools'],
  context_window_tokens: given(input.context_window_tokens, known?.context_window_tokens),
  max_output_tokens: given(input.max_output_tokens, known?.max_output_tokens),
  quality_score: known?.quality_score ?? null,
  is_active: true,
});

const given = (said: number | null | undefined, known: number | null | undefined): number | null =>
  said === undefined ? (known ?? null) : said;
