import { type Model, priceAt, type Snapshot } from '../../control/snapshot.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { Call, CandidateOffer, Step } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';
import { detectFlags } from '../detectors.ts';
import { adapterOf } from '../offers.ts';
import { worstCost } from '../rating.ts';

/** Finds what a prompt holds that needs care, which offers could serve it, and what each could cost at most. */
export const classify =
  (deps: GatewayDeps): Step =>
  (call) => {
    const ask = call.ask!;
    const current = deps.snapshot();
    call.compliance_flags = detectFlags(ask.work.promptText());
    const models = ask.model === null ? [...current.models.values()] : [findModel(current, ask.model)];
    const now_ms = deps.clock.now();
    call.eligible = models
      .filter(({ capabilities }) => capabilities.includes(ask.work.capability))
      .flatMap((model) => candidatesOf(call, model, now_ms))
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

const findModel = (snapshot: Snapshot, name: string): Model => {
  const model = snapshot.models.get(name);
  if (model !== undefined) return model;
  throw new OneVaultError('model_not_found', {
    param: 'model',
    details: `There is no model ${JSON.stringify(name.slice(0, 100))}; GET /v1/models lists those that are.`,
  });
};

const candidatesOf = (call: Call, model: Model, now_ms: number): CandidateOffer[] => {
  const { work } = call.ask!;
  const prompt_tokens = work.mostPromptTokens(model, call.body.length);
  const completion_tokens = work.mostCompletionTokens(model);
  return model.offers.map((offer) => {
    const price = priceAt(offer, now_ms);
    return {
      offer,
      price,
      provider_model_name: price?.provider_model_name ?? model.model,
      max_output_tokens: model.max_output_tokens,
      most_prompt_tokens: prompt_tokens,
      most_completion_tokens: completion_tokens,
      worst_cost:
        price === null
          ? null
          : worstCost(prompt_tokens, completion_tokens, price, call.customer!.markup_basis_points),
    };
  });
};

const refuseUnpriced = (call: Call): void => {
  if (call.customer!.unpriced_policy === 'allow') return;
  call.eligible = call.eligible.filter(({ worst_cost }) => worst_cost !== null);
  if (call.eligible.length === 0) throw new OneVaultError('unpriced_model', { param: 'model' });
};

const refuseDearer = (call: Call): void => {
  const { max_cost } = call.ask!;
  if (max_cost === null) return;
  call.eligible = call.eligible.filter(({ worst_cost }) => worst_cost !== null && worst_cost <= max_cost);
  if (call.eligible.length > 0) return;
  throw new OneVaultError('budget_exceeded', {
    param: 'max_cost',
    details: 'No model is sure to stay within max_cost: raise it, or lower max_tokens.',
  });
};
