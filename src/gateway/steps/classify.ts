import {
  agreedPriceAt,
  type Customer,
  type CustomModel,
  type Deployment,
  isWithdrawn,
  type Model,
  type ProviderKey,
  priceAt,
} from '../../catalog/snapshot.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { Price } from '../../pricing/price.ts';
import { tierFor } from '../../pricing/prices.ts';
import { maxCost } from '../../pricing/rating.ts';
import { type HostedTool, maxUses, unpricedTool } from '../ai/hosted-tools.ts';
import type { Call, Candidate, Step } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';
import { adapterOf } from '../routing/candidates.ts';
import { credentialsOf, customModelsOf } from '../routing/credentials.ts';

/** Finds the prompt's compliance flags, the deployments that can serve the call, and the maximum cost of each. */
export const classify =
  (deps: GatewayDeps): Step =>
  async (call) => {
    const parsed = call.parsed!;
    call.compliance_flags = await deps.large_bodies.detect(await parsed.operation.promptText());
    const requested =
      parsed.model === null
        ? [...deps.snapshot().models.values()].map((model) => ({ model, custom: null }))
        : [findModel(deps, call.customer!, parsed.model)];
    const now_ms = deps.clock.now();
    call.eligible = requested
      .filter(({ model }) => model.capabilities.includes(parsed.operation.capability))
      .flatMap((each) => candidatesOf(deps, call, each, now_ms))
      .filter(({ deployment }) => {
        const adapter = adapterOf(deps, deployment);
        return adapter !== null && parsed.operation.isServedBy(adapter);
      });
    if (call.eligible.length === 0) {
      throw new OneVaultError('model_not_found', {
        param: 'model',
        details: `No provider serves it for ${parsed.operation.capability} now. Choose a model from GET /v1/models.`,
      });
    }
    refuseUnpriced(call);
    refuseAboveMaxCost(call);
  };

/** A requested model: from the catalog, or a custom model with the customer's own provider key. */
interface RequestedModel {
  readonly model: Model;
  readonly custom: { readonly key: ProviderKey; readonly custom_model: CustomModel } | null;
}

const findModel = (deps: GatewayDeps, customer: Customer, name: string): RequestedModel => {
  const custom = customModelsOf(deps, customer).find(({ model }) => model.model === name);
  if (custom !== undefined) return { model: custom.model, custom };
  const model = deps.snapshot().models.get(name);
  if (model !== undefined) return { model, custom: null };
  throw new OneVaultError('model_not_found', {
    param: 'model',
    details: `There is no model ${JSON.stringify(name.slice(0, 100))}. Choose one from GET /v1/models.`,
  });
};

const candidatesOf = (
  deps: GatewayDeps,
  call: Call,
  { model, custom }: RequestedModel,
  now_ms: number,
): Candidate[] => {
  const { operation } = call.parsed!;
  const customer = call.customer!;
  const prompt_tokens = operation.maxPromptTokens(model, call.body.length);
  const completion_tokens = operation.maxCompletionTokens(model);
  const counts = {
    images: operation.maxImages?.() ?? 0,
    audio_seconds: operation.maxAudioSeconds?.() ?? 0,
    characters: operation.countCharacters?.() ?? 0,
  };
  const candidateOf = (deployment: Deployment, provider_key: ProviderKey | null): Candidate => {
    const listed = priceAt(deployment, now_ms);
    // The provider bills the customer's own key at list prices: an agreed price does not apply.
    const price =
      listed === null || provider_key !== null
        ? listed
        : agreedPriceAt(deps.snapshot(), customer.customer, deployment, listed, now_ms);
    const tools = toolsAt(deps, call, deployment);
    const max_usage = { prompt_tokens, completion_tokens, ...counts, tool_uses: maxUses(tools, completion_tokens) };
    const maxCostAt = (at: Price | null, markup: number) => (at === null ? null : maxCost(max_usage, at, markup));
    return {
      deployment,
      price,
      provider_model_name: custom?.custom_model.served_as ?? price?.provider_model_name ?? model.model,
      max_output_tokens: model.max_output_tokens,
      max_prompt_tokens: prompt_tokens,
      max_completion_tokens: completion_tokens,
      provider_key,
      tools,
      unpriced_tool: listed === null ? null : unpricedTool(tools, listed, operation.service_tier ?? 'standard'),
      byok: provider_key?.base_url != null ? 'endpoint' : custom === null ? null : 'model',
      max_provider_cost: maxCostAt(listed, 0),
      max_customer_cost: maxCostAt(price, customer.markup_basis_points),
    };
  };
  return model.deployments.flatMap((deployment) => {
    if (isWithdrawn(deployment, now_ms)) return [];
    const credentials = custom === null ? credentialsOf(deps, customer, deployment) : [custom.key];
    return credentials.map((provider_key) => candidateOf(deployment, provider_key));
  });
};

/**
 * Hosted tools of the request at a deployment. Only a passthrough carries them; a translation omits or refuses them.
 */
const toolsAt = (deps: GatewayDeps, { protocol, parsed }: Call, deployment: Deployment): readonly HostedTool[] => {
  const { protocol_name } = protocol;
  const passes = protocol_name !== null && adapterOf(deps, deployment)?.passthroughs[protocol_name] !== undefined;
  return passes ? (parsed!.operation.hosted_tools ?? []) : [];
};

const refuseUnpriced = (call: Call): void => {
  if (call.customer!.unpriced_policy === 'allow') return;
  call.eligible = call.eligible.filter(({ max_customer_cost }) => max_customer_cost !== null);
  if (call.eligible.length === 0) throw new OneVaultError('unpriced_model', { param: 'model' });
  const { service_tier = 'standard' } = call.parsed!.operation;
  call.eligible = call.eligible.filter(
    ({ price, max_prompt_tokens }) => tierFor(price!.tiers, service_tier, max_prompt_tokens) !== null,
  );
  if (call.eligible.length === 0) {
    const details = `The service tier ${service_tier} has no price. Choose another service tier.`;
    throw new OneVaultError('unpriced_model', { param: 'service_tier', details });
  }
  const { unpriced_tool } = call.eligible[0]!;
  call.eligible = call.eligible.filter((each) => each.unpriced_tool === null);
  if (call.eligible.length > 0 || unpriced_tool === null) return;
  const { param, name } = unpriced_tool;
  const details = `The provider may charge for each use of the tool ${name.slice(0, 100)} (${param}), and that price is not known. Leave the tool out, or set its price.`;
  throw new OneVaultError('unpriced_model', { param, details });
};

const refuseAboveMaxCost = (call: Call): void => {
  const { max_cost } = call.parsed!;
  if (max_cost === null) return;
  call.eligible = call.eligible.filter(
    ({ max_customer_cost, unpriced_tool }) =>
      max_customer_cost !== null && max_customer_cost <= max_cost && unpriced_tool === null,
  );
  if (call.eligible.length > 0) return;
  throw new OneVaultError('budget_exceeded', {
    param: 'max_cost',
    details: 'Every model can cost more than max_cost. Raise max_cost, or lower max_tokens.',
  });
};
