import type { Context, Middleware } from 'koa';
import type { Clock } from '../../core/clock.ts';
import { DeadlineError, within } from '../../core/deadline.ts';
import { OneVaultError } from '../../core/errors.ts';
import { readBody } from '../../http/body.ts';
import { createCursors } from '../../http/cursor.ts';
import { invalidBody } from '../../http/faults.ts';
import { readJsonBody } from '../../http/json-body.ts';
import type { Outcome } from '../../http/outcome.ts';
import { PAGING_NAMES } from '../../http/paging.ts';
import { createQueryReader } from '../../http/query.ts';
import type { RequestBody, RouteContract } from '../../http/route.ts';
import { createFaultFinder } from '../../http/validate.ts';
import { negotiate } from '../../http/version.ts';
import { markDeprecated, writeOutcome } from '../../http/write-outcome.ts';
import { runOnce } from '../idempotency/run-once.ts';
import { audited, type HandleRequest } from './audited.ts';
import type { ControlRoute, RouteDeps } from './control-route.ts';

/** Serves a route at its path and its aliases, in this order: caller, media type, query, body. */
export const serveRoute = <Deps extends RouteDeps>(deps: Deps, route: ControlRoute<Deps>): Middleware => {
  const handle = runOnce(deps, route);
  const readQuery = createQueryReader(route.query ?? {});
  const takeBody = bodyReader(route.body);
  const produces = producedBy(route);
  const handleRequest: HandleRequest = async (ctx, draft) => {
    const params = ctx.params as Record<string, string>;
    if (route.subject !== undefined) draft.about(params[route.subject]!);
    ctx.state.response_type = negotiate(ctx, produces);
    const cursors = createCursors({
      secret: ctx.get('authorization'),
      operation_id: route.operation_id,
      filter: filterOf(ctx.querystring),
    });
    const is_alias = isAlias(route, ctx);
    const request = { params, query: readQuery(ctx.query), caller: draft.caller, draft, is_alias, cursors, ctx };
    await route.locate?.(deps, request);
    const body = await takeBody(ctx);
    return route.method === 'get' ? bounded(route, handle({ ...request, body })) : handle({ ...request, body });
  };
  const guarded = audited(deps, route, handleRequest);
  return async (ctx) => {
    if (route.deprecated !== undefined) markDeprecated(ctx, route.deprecated);
    const outcome = await guarded(ctx);
    const type = ctx.state.response_type as string;
    writeOutcome(ctx, outcome, { route, is_alias: isAlias(route, ctx), type, clock: answeredBy(ctx, deps) });
  };
};

// A public read looks up rows by an index. Other reads take as long as the longest statement, 60 s, or they hang.
const [PUBLIC_READ_TIMEOUT_MS, READ_TIMEOUT_MS] = [3_000, 65_000];
const RETRY_AFTER_S = 1;

/** Bounds a read: a database that hangs sends no error. */
const bounded = async ({ permission }: RouteContract, read: Promise<Outcome> | Outcome): Promise<Outcome> => {
  try {
    return await within(permission === null ? PUBLIC_READ_TIMEOUT_MS : READ_TIMEOUT_MS, Promise.resolve(read));
  } catch (cause) {
    if (!(cause instanceof DeadlineError)) throw cause;
    throw new OneVaultError('database_unavailable', { cause, retry_after_s: RETRY_AFTER_S });
  }
};

const isAlias = ({ path }: RouteContract, ctx: Context): boolean => ctx._matchedRoute !== path;

/** A repeated response has the instant of the first one. */
const answeredBy = ({ state }: Context, { clock }: RouteDeps): Clock =>
  state.answered_ms === undefined ? clock : { now: () => state.answered_ms as number };

/** A query without its paging parameters, in one form. */
const filterOf = (querystring: string): string =>
  [...new URLSearchParams(querystring)]
    .filter(([name]) => !PAGING_NAMES.includes(name))
    .map((pair) => JSON.stringify(pair))
    .toSorted()
    .join('\n');

/** The media types of a route's successful responses. */
const producedBy = ({ responses }: RouteContract): string[] => {
  const types = Object.values(responses).flatMap((response) => response.content_types ?? ['application/json']);
  return [...new Set(types)];
};

// The longest signed note.
const TEXT_LIMIT_BYTES = 65_536;

const bodyReader = (body: RequestBody | undefined): ((ctx: Context) => Promise<unknown>) => {
  if (body === undefined) return async () => undefined;
  // The route itself reads a body that is not JSON.
  if (body.content_types !== undefined) return (ctx) => readBody(ctx.req, TEXT_LIMIT_BYTES);
  const find = createFaultFinder(body.schema);
  return async (ctx) => {
    const { value } = await readJsonBody(ctx.req);
    const faults = find(value);
    if (faults.length > 0) throw invalidBody(faults);
    return value;
  };
};
