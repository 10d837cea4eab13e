import type { Middleware } from 'koa';
import { type Model, priceAt } from '../control/snapshot.ts';
import { OneVaultError } from '../core/errors.ts';
import type { GatewayDeps } from './deps.ts';
import { identify } from './identify.ts';
import { adapterOf, isForChat } from './offers.ts';

/** `GET /v1/models` and `GET /v1/models/{model}`, in OpenAI's form: what the caller may ask for now. */
export const listModels =
  (deps: GatewayDeps): Middleware =>
  (ctx) => {
    authenticate(deps, ctx);
    const models = [...deps.snapshot().models.values()].filter((model) => isOffered(deps, model));
    ctx.body = { object: 'list', data: models.map(describe) };
  };

export const getModel =
  (deps: GatewayDeps): Middleware =>
  (ctx) => {
    authenticate(deps, ctx);
    const model = deps.snapshot().models.get(ctx.params.model as string);
    if (model === undefined || !isOffered(deps, model)) throw new OneVaultError('model_not_found');
    ctx.body = describe(model);
  };

const authenticate = (
  { snapshot, clock }: GatewayDeps,
  ctx: { readonly req: Parameters<typeof identify>[1] },
): void => {
  const { refusal } = identify(snapshot(), ctx.req, clock.now());
  if (refusal !== null) throw refusal;
};

const isOffered = (deps: GatewayDeps, model: Model): boolean =>
  isForChat(model) &&
  model.offers.some((offer) => adapterOf(deps, offer) !== null && priceAt(offer, deps.clock.now()) !== null);

const describe = (model: Model) => ({
  id: model.model,
  object: 'model',
  created: Math.floor((model.offers[0]?.prices[0]?.holds_from_ms ?? 0) / 1_000),
  owned_by: model.offers[0]?.provider ?? 'unknown',
});
