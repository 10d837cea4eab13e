import type { Context, Middleware } from 'koa';
import type { Customer, Model } from '../../../../catalog/snapshot.ts';
import { asOneVaultError, OneVaultError } from '../../../../core/errors.ts';
import { invalid } from '../../../../providers/invalid.ts';
import type { GatewayDeps } from '../../../deps.ts';
import { authenticate, findModel, servedModels } from '../../list-models.ts';
import { googleErrorFormat } from './error-format.ts';

// Google's limits of a page.
const PAGE_SIZE = 50;
const PAGE_SIZE_MAX = 1_000;

/** `GET /v1beta/models` in Google's form: models that the caller may use now, in pages. */
export const listGoogleModels = (deps: GatewayDeps): Middleware =>
  withGoogleErrors(deps, (ctx, customer) => {
    const served = servedModels(deps, customer)
      .map(({ model }) => model)
      .filter((model) => methodsOf(model).length > 0);
    const { pageSize, pageToken } = ctx.query;
    const size = pageSize === undefined ? PAGE_SIZE : Number(pageSize);
    if (!Number.isInteger(size) || size < 0) throw invalid('pageSize', 'is not a whole number of at least 0');
    const rest = pageToken === undefined ? served : served.filter(({ model }) => model > String(pageToken));
    const page = rest.toSorted(byName).slice(0, Math.min(size === 0 ? PAGE_SIZE : size, PAGE_SIZE_MAX));
    const last = page.at(-1);
    return {
      models: page.map(describe),
      ...(last === undefined || page.length === rest.length ? {} : { nextPageToken: last.model }),
    };
  });

/** `GET /v1beta/models/{model}` in Google's form. */
export const getGoogleModel = (deps: GatewayDeps): Middleware =>
  withGoogleErrors(deps, (ctx, customer) => describe(findModel(deps, customer, ctx.params.model as string)));

/** `POST /v1beta/models/{model}:{method}` with an unknown method: an error in Google's format. */
export const refuseGoogleMethod = (deps: GatewayDeps): Middleware =>
  withGoogleErrors(deps, (ctx) => {
    throw new OneVaultError('not_found', {
      details: `POST ${ctx.path} does not exist. Check the method after the colon.`,
    });
  });

/** Writes errors in Google's error format. */
const withGoogleErrors =
  (deps: GatewayDeps, response: (ctx: Context, customer: Customer) => object): Middleware =>
  async (ctx) => {
    try {
      ctx.body = response(ctx, await authenticate(deps, ctx));
    } catch (thrown) {
      const error = asOneVaultError(thrown);
      if (error.code === 'internal_error') throw thrown;
      ctx.status = error.status;
      ctx.body = googleErrorFormat.error(error, ctx.state.request_id as string, deps.clock.now());
    }
  };

const byName = (a: Model, b: Model): number => (a.model < b.model ? -1 : 1);

/** Google's method names for a model's capabilities. */
const methodsOf = ({ capabilities }: Model): readonly string[] => [
  ...(capabilities.includes('chat') ? ['generateContent', 'countTokens', 'streamGenerateContent'] : []),
  ...(capabilities.includes('embeddings') ? ['embedContent', 'batchEmbedContents'] : []),
];

const describe = (model: Model) => ({
  name: `models/${model.model}`,
  displayName: model.model,
  ...(model.context_window_tokens === null ? {} : { inputTokenLimit: model.context_window_tokens }),
  ...(model.max_output_tokens === null ? {} : { outputTokenLimit: model.max_output_tokens }),
  supportedGenerationMethods: methodsOf(model),
});
