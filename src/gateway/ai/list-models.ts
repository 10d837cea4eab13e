import type { Context, Middleware } from 'koa';
import { type Customer, type Deployment, type Model, priceAt } from '../../catalog/snapshot.ts';
import { OneVaultError } from '../../core/errors.ts';
import { clientAddress } from '../../http/client-address.ts';
import type { GatewayDeps } from '../deps.ts';
import { identify } from '../identify.ts';
import { limitedRefusal } from '../limits/refused-keys.ts';
import { adapterOf, canServe } from '../routing/candidates.ts';
import { credentialsOf, customModelsOf } from '../routing/credentials.ts';

/** `GET /v1/models` in OpenAI's form: models that the caller may use now. */
export const listModels = (deps: GatewayDeps): Middleware => list(deps, describe);

/** `GET /v1/models/{model}` in OpenAI's form. */
export const getModel =
  (deps: GatewayDeps): Middleware =>
  async (ctx) => {
    const customer = await authenticate(deps, ctx);
    const model = findModel(deps, customer, ctx.params.model as string);
    ctx.body = describe(model, servedBy(deps, customer, model));
  };

/**
 * Finds a model that a customer may use now.
 * @throws OneVaultError model_not_found
 */
export const findModel = (deps: GatewayDeps, customer: Customer, name: string): Model => {
  const own = customModelsOf(deps, customer).find(({ model }) => model.model === name);
  const model = own?.model ?? deps.snapshot().models.get(name);
  if (model === undefined || servedBy(deps, customer, model).length === 0) {
    throw new OneVaultError('model_not_found');
  }
  return model;
};

/** Every model that a customer may use now, with its deployments. */
export const servedModels = (
  deps: GatewayDeps,
  customer: Customer,
): readonly { readonly model: Model; readonly deployments: readonly Deployment[] }[] =>
  [...deps.snapshot().models.values(), ...customModelsOf(deps, customer).map(({ model }) => model)]
    .map((model) => ({ model, deployments: servedBy(deps, customer, model) }))
    .filter(({ deployments }) => deployments.length > 0);

/** `GET /v1/ai/models` in the unified form: each model's capabilities, limits and providers. */
export const listAiModels = (deps: GatewayDeps): Middleware => list(deps, describeWhole);

const list =
  (deps: GatewayDeps, write: (model: Model, deployments: readonly Deployment[]) => object): Middleware =>
  async (ctx) => {
    const served = servedModels(deps, await authenticate(deps, ctx));
    ctx.body = { object: 'list', data: served.map(({ model, deployments }) => write(model, deployments)) };
  };

/**
 * The customer of the request's API key. A refused key is written to the audit log.
 * @throws OneVaultError
 */
export const authenticate = async (deps: GatewayDeps, ctx: Context): Promise<Customer> => {
  const { api_key, customer, refusal: given } = identify(deps.snapshot(), ctx.req, deps.clock.now());
  if (given === null) return customer!;
  const refusal = limitedRefusal(deps, ctx.req, given);
  await deps.recordRefusedKey({
    error: refusal,
    api_key: api_key?.api_key ?? null,
    customer: customer?.customer ?? null,
    // The route's pattern, because the client's path may contain anything.
    endpoint: `${ctx.method} ${String(ctx._matchedRoute)}`,
    request_id: ctx.state.request_id as string,
    request_ip: clientAddress(ctx.req),
    user_agent: ctx.get('user-agent') || null,
  });
  throw refusal;
};

/** Deployments of a model that may serve a customer's call now. */
const servedBy = (deps: GatewayDeps, customer: Customer, model: Model): readonly Deployment[] =>
  model.deployments.filter((deployment) => {
    const is_byok = !deps.snapshot().models.has(model.model);
    if (!is_byok && credentialsOf(deps, customer, deployment).length === 0) return false;
    const adapter = adapterOf(deps, deployment);
    return adapter !== null && canServe(model, adapter) && priceAt(deployment, deps.clock.now()) !== null;
  });

const describe = (model: Model, deployments: readonly Deployment[]) => ({
  id: model.model,
  object: 'model',
  created: Math.floor((deployments[0]?.prices[0]?.holds_from_ms ?? 0) / 1_000),
  owned_by: deployments[0]?.provider ?? 'unknown',
});

const describeWhole = (model: Model, deployments: readonly Deployment[]) => ({
  id: model.model,
  object: 'ai.model',
  capabilities: model.capabilities,
  context_window_tokens: model.context_window_tokens,
  max_output_tokens: model.max_output_tokens,
  providers: deployments.map(({ provider }) => provider),
});
