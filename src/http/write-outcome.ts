import type { Context } from 'koa';
import type { Clock } from '../core/clock.ts';
import { envelopeOf } from './envelope.ts';
import type { Outcome } from './outcome.ts';
import type { Deprecation, RouteContract } from './route.ts';

/** Writes the outcome of a handler in the form of the route's contract. @param type the negotiated media type */
export const writeOutcome = (
  ctx: Context,
  outcome: Outcome,
  { route, is_alias, type, clock }: { route: RouteContract; is_alias: boolean; type: string; clock: Clock },
): void => {
  for (const [name, value] of Object.entries(outcome.headers ?? {})) ctx.set(name, value);
  ctx.set('cache-control', route.is_sensitive === true ? 'no-store' : 'private, no-cache');
  ctx.vary('Accept, Authorization, Cookie');
  if (outcome.kind === 'raw') {
    ctx.body = outcome.body;
    ctx.type = outcome.content_type;
    return;
  }
  ctx.status = outcome.kind === 'single' ? outcome.status : 200;
  if (isCurrent(ctx, outcome.headers?.etag)) {
    ctx.status = 304;
    return;
  }
  const at = { path: ctx.path, query: new URLSearchParams(ctx.querystring) };
  ctx.body = envelopeOf(outcome, at, clock.now(), is_alias && route.is_bare_on_aliases === true);
  ctx.type = type;
};

/** True if the client already has this version (RFC 9110, section 13.1.2). */
const isCurrent = (ctx: Context, etag: string | undefined): boolean => {
  const given = ctx.get('if-none-match');
  if (etag === undefined || given === '' || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return false;
  return given === '*' || given.split(',').some((each) => each.trim().replace(/^W\//, '') === etag);
};

/** Marks a response of a deprecated route. */
export const markDeprecated = (ctx: Context, { since, sunset, link }: Deprecation): void => {
  ctx.set('deprecation', `@${Math.floor(Date.parse(since) / 1_000)}`);
  if (sunset !== undefined) ctx.set('sunset', new Date(sunset).toUTCString());
  if (link !== undefined) ctx.append('link', `<${link}>; rel="deprecation"; type="text/html"`);
};
