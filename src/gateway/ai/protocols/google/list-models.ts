import type { Context, Middleware } from 'koa';
import type { Customer, Model } from '../../../../catalog/snapshot.ts';
import { asOneVaultError, OneVaultError } from '../../../../core/errors.ts';
import { invalid } from '../../../../providers/invalid.ts';
import type { GatewayDeps } from '../../../deps.ts';
import { authenticate, findModel, servedModels } from '../../list-models.ts';
import { googleErrorFormat } from './error-format.ts';

// Google's own limits of a page.
const PAGE_SIZE = 50;
const LARGEST_PAGE = 1_000;

/** `GET /v1beta/models`, in Google's form: what the caller may ask for now, a page at a time. */
export const listGoogleModels = (deps: GatewayDeps): Middleware =>
  answered(deps, (ctx, customer) => {
    const served = servedModels(deps, customer)
      .map(({ model }) => model)
      .filter((model) => methodsOf(model).length > 0);
    const { pageSize, pageToken } = ctx.query;
    const size = pageSize === undefined ? PAGE_SIZE : Number(pageSize);
    if (!Number.isInteger(size) || size < 0) throw invalid('pageSize', 'is not a whole number of at least 0');
    const rest = pageToken === undefined ? served : served.filter(({ model }) => model > String(pageToken));
    const page = rest.toSorted(byName).slice(0, Math.min(size === 0 ? PAGE_SIZE : size, LARGEST_PAGE));
    const last = page.at(-1);
    return {
      models: page.map(describe),
      ...(last === undefined || page.length === rest.length ? {} : { nextPageToken: last.model }),
    };
  });

/** `GET /v1beta/models/{model}`, in Google's form. */
export const getGoogleModel = (deps: GatewayDeps): Middleware =>
  answered(deps, (ctx, customer) => describe(findModel(deps, customer, ctx.params.model as string)));

/** `POST /v1beta/models/{model}:{method}` of a method that is not served, told as Google's SDKs read it. */
export const refuseGoogleMethod = (deps: GatewayDeps): Middleware =>
  answered(deps, (ctx) => {
    throw new OneVaultError('not_found', { details: `POST ${ctx.path} is not served.` });
  });

/** Errors in Google's own envelope. */
const answered =
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

/** What Google calls that which a model can be asked for. */
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
