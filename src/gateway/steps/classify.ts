import {
  agreedPriceAt,
  type Customer,
  isWithdrawn,
  type Model,
  type Offer,
  type OwnModel,
  type ProviderKey,
  priceAt,
} from '../../catalog/snapshot.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { Price } from '../../pricing/price.ts';
import { tierFor } from '../../pricing/prices.ts';
import { worstCost } from '../../pricing/rating.ts';
import { type HostedTool, mostUses, unpricedTool } from '../ai/hosted-tools.ts';
import type { Call, CandidateOffer, Step } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';
import { detectFlags } from '../guardrails/detectors.ts';
import { adapterOf } from '../routing/candidates.ts';
import { ownModelsOf, payersOf } from '../routing/credentials.ts';

/** Finds what a prompt holds that needs care, which offers could serve it, and what each could cost at most. */
export const classify =
  (deps: GatewayDeps): Step =>
  async (call) => {
    const ask = call.ask!;
    call.compliance_flags = detectFlags(await ask.work.promptText());
    const wanted =
      ask.model === null
        ? [...deps.snapshot().models.values()].map((model) => ({ model, own: null }))
        : [findModel(deps, call.customer!, ask.model)];
    const now_ms = deps.clock.now();
    call.eligible = wanted
      .filter(({ model }) => model.capabilities.includes(ask.work.capability))
      .flatMap((each) => candidatesOf(deps, call, each, now_ms))
      .filter(({ offer }) => {
        const adapter = adapterOf(deps, offer);
        return adapter !== null && ask.work.isServedBy(adapter);
      });
    if (call.eligible.length === 0) {
      throw new OneVaultError('model_not_found', {
        param: 'model',
        details: `No provider offers it for ${ask.work.capability} now.`,
      });
    }
    refuseUnpriced(call);
    refuseDearer(call);
  };

/** A model of the catalog, or one of the customer's own with the key that it is reached with. */
interface Wanted {
  readonly model: Model;
  readonly own: { readonly key: ProviderKey; readonly own: OwnModel } | null;
}

const findModel = (deps: GatewayDeps, customer: Customer, name: string): Wanted => {
  const own = ownModelsOf(deps, customer).find(({ model }) => model.model === name);
  if (own !== undefined) return { model: own.model, own };
  const model = deps.snapshot().models.get(name);
  if (model !== undefined) return { model, own: null };
  throw new OneVaultError('model_not_found', {
    param: 'model',
    details: `There is no model ${JSON.stringify(name.slice(0, 100))}; GET /v1/models lists those that are.`,
  });
};

const candidatesOf = (deps: GatewayDeps, call: Call, { model, own }: Wanted, now_ms: number): CandidateOffer[] => {
  const { work } = call.ask!;
  const customer = call.customer!;
  const prompt_tokens = work.mostPromptTokens(model, call.body.length);
  const completion_tokens = work.mostCompletionTokens(model);
  const images = work.mostImages?.() ?? 0;
  const candidateOf = (offer: Offer, provider_key: ProviderKey | null): CandidateOffer => {
    const listed = priceAt(offer, now_ms);
    // Its own key is billed by the provider, at the provider's prices.
    const price =
      listed === null || provider_key !== null
        ? listed
        : agreedPriceAt(deps.snapshot(), customer.customer, offer, listed, now_ms);
    const tools = toolsAt(deps, call, offer);
    const most = { prompt_tokens, completion_tokens, images, tool_uses: mostUses(tools, completion_tokens) };
    const worstAt = (at: Price | null, markup: number) => (at === null ? null : worstCost(most, at, markup));
    return {
      offer,
      price,
      provider_model_name: own?.own.served_as ?? price?.provider_model_name ?? model.model,
      max_output_tokens: model.max_output_tokens,
      most_prompt_tokens: prompt_tokens,
      most_completion_tokens: completion_tokens,
      provider_key,
      tools,
      unpriced_tool: listed === null ? null : unpricedTool(tools, listed, work.service_tier ?? 'standard'),
      customers_own: provider_key?.base_url != null ? 'endpoint' : own === null ? null : 'model',
      worst_provider_cost: worstAt(listed, 0),
      worst_cost: worstAt(price, customer.markup_basis_points),
    };
  };
  return model.offers.flatMap((offer) => {
    if (isWithdrawn(offer, now_ms)) return [];
    const payers = own === null ? payersOf(deps, customer, offer) : [own.key];
    return payers.map((provider_key) => candidateOf(offer, provider_key));
  });
};

/** Tools that a provider runs itself go where the client's bytes go; a translation leaves them out, or refuses. */
const toolsAt = (deps: GatewayDeps, { protocol, ask }: Call, offer: Offer): readonly HostedTool[] => {
  const { wire } = protocol;
  const passes = wire !== null && adapterOf(deps, offer)?.passages[wire] !== undefined;
  return passes ? (ask!.work.hosted_tools ?? []) : [];
};

const refuseUnpriced = (call: Call): void => {
  if (call.customer!.unpriced_policy === 'allow') return;
  call.eligible = call.eligible.filter(({ worst_cost }) => worst_cost !== null);
  if (call.eligible.length === 0) throw new OneVaultError('unpriced_model', { param: 'model' });
  const { service_tier = 'standard' } = call.ask!.work;
  call.eligible = call.eligible.filter(
    ({ price, most_prompt_tokens }) => tierFor(price!.tiers, service_tier, most_prompt_tokens) !== null,
  );
  if (call.eligible.length === 0) {
    const details = `There is none for the service tier ${service_tier}.`;
    throw new OneVaultError('unpriced_model', { param: 'service_tier', details });
  }
  const { unpriced_tool } = call.eligible[0]!;
  call.eligible = call.eligible.filter((each) => each.unpriced_tool === null);
  if (call.eligible.length > 0 || unpriced_tool === null) return;
  const { param, name } = unpriced_tool;
  const details = `Its tool ${name.slice(0, 100)} (${param}) may be charged for by use, and no price of that is known.`;
  throw new OneVaultError('unpriced_model', { param, details });
};

const refuseDearer = (call: Call): void => {
  const { max_cost } = call.ask!;
  if (max_cost === null) return;
  call.eligible = call.eligible.filter(
    ({ worst_cost, unpriced_tool }) => worst_cost !== null && worst_cost <= max_cost && unpriced_tool === null,
  );
  if (call.eligible.length > 0) return;
  throw new OneVaultError('budget_exceeded', {
    param: 'max_cost',
    details: 'No model is sure to stay within max_cost: raise it, or lower max_tokens.',
  });
};
