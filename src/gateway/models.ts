import type { Middleware } from 'koa';
import { type Model, priceAt, type Snapshot } from '../control/snapshot.ts';
import { OneVaultError } from '../core/errors.ts';
import type { GatewayDeps } from './deps.ts';
import { identify } from './identify.ts';

/** `GET /v1/models` and `GET /v1/models/{model}`, in OpenAI's form: what the caller may ask for now. */
export const listModels =
  ({ snapshot, clock }: GatewayDeps): Middleware =>
  (ctx) => {
    const current = authenticated(snapshot(), ctx, clock.now());
    const models = [...current.models.values()].filter((model) => isOffered(model, clock.now()));
    ctx.body = { object: 'list', data: models.map(describe) };
  };

export const getModel =
  ({ snapshot, clock }: GatewayDeps): Middleware =>
  (ctx) => {
    const current = authenticated(snapshot(), ctx, clock.now());
    const model = current.models.get(ctx.params.model as string);
    if (model === undefined || !isOffered(model, clock.now())) throw new OneVaultError('model_not_found');
    ctx.body = describe(model);
  };

const authenticated = (
  snapshot: Snapshot,
  ctx: { req: Parameters<typeof identify>[1] },
  now_ms: number,
): Snapshot => {
  const { refusal } = identify(snapshot, ctx.req, now_ms);
  if (refusal !== null) throw refusal;
  return snapshot;
};

const isOffered = (model: Model, now_ms: number): boolean =>
  model.offers.some((offer) => priceAt(offer, now_ms) !== null);

const describe = (model: Model) => ({
  id: model.model,
  object: 'model',
  created: Math.floor((model.offers[0]?.prices[0]?.holds_from_ms ?? 0) / 1_000),
  owned_by: model.offers[0]?.provider ?? 'unknown',
});
