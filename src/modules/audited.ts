import type { Context, Middleware } from 'koa';
import type { NewEvent } from '../audit/record-event.ts';
import { asOneVaultError } from '../core/errors.ts';
import { clientAddress } from '../http/client-address.ts';
import { tellRefusedLogin } from './audit-trail.ts';
import { type Caller, identifyCaller, type Refusal, type Scope } from './caller.ts';
import type { ControlDeps } from './deps.ts';
import { holdsEmail } from './refuse-email.ts';

/** What a request tells of itself while it is served. */
export interface EventDraft {
  readonly caller: Caller;
  /** Names the thing that is asked for, before it is looked for. */
  about(subject: string): void;
  /** Names the customers whose data the answer shows. */
  shows(customers: readonly (string | null)[]): void;
  /** The event of a change, to be written in the change's own transaction: `save` does. */
  change(before: object | null, after: object | null): NewEvent;
}

/** Serves a request that was let in. */
export type Handler = (ctx: Context, draft: EventDraft) => Promise<void> | void;

/** A path of the control plane: who is let in, and by which name the audit log knows what is done there. */
export interface ControlRoute {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  readonly path: string;
  /** Keys for any of these are let in; null lets in whoever asks, without a key, and is no event. */
  readonly scopes: readonly Scope[] | null;
  /** As customer.create. */
  readonly action: string;
  /** What kind of thing is asked for, as customer. */
  readonly subject_kind: string;
  readonly serve: (deps: ControlDeps) => Handler;
}

/**
 * A route with its keeper: it lets in whoever may, and answers only when what was done, seen or refused is on disk.
 * What customers read of themselves is their own business and no event.
 */
export const audited = (deps: ControlDeps, route: ControlRoute): Middleware => {
  const handle = route.serve(deps);
  const { scopes } = route;
  if (scopes === null) return async (ctx) => handle(ctx, draftEvent(route, ctx, ANYBODY).draft);
  return async (ctx) => {
    const caller = identifyCaller(deps, ctx, scopes);
    if ('error' in caller) throw await tellRefusal(deps, route, ctx, caller);
    const { draft, event, isTold } = draftEvent(route, ctx, caller);
    const is_own = caller.actor_kind === 'customer';
    try {
      await handle(ctx, draft);
    } catch (thrown) {
      const { code, status } = asOneVaultError(thrown);
      const outcome = status < 500 ? 'refused' : 'failed';
      if (!is_own) await deps.audit.record({ ...event(), outcome, reason: code, customers: [] });
      throw thrown;
    }
    if (!is_own && !isTold()) await deps.audit.record(event());
  };
};

const ANYBODY: Caller = { actor_kind: 'unknown', actor: 'unknown', customer: null };

const draftEvent = (route: ControlRoute, ctx: Context, caller: Caller) => {
  let subject: string | null = null;
  let customers: readonly string[] = [];
  let is_told = false;
  const event = (): NewEvent => ({
    actor_kind: caller.actor_kind,
    actor: caller.actor,
    action: route.action,
    subject_kind: route.subject_kind,
    subject,
    outcome: 'succeeded',
    ...originOf(ctx),
    customers,
  });
  const draft: EventDraft = {
    caller,
    about: (named) => {
      // What was asked for by an e-mail address was not found; the address stays out of the log, which keeps for ever.
      subject = holdsEmail(named) ? null : named;
    },
    shows: (shown) => {
      customers = shown.filter((slug) => slug !== null);
    },
    change: (before, after) => {
      is_told = true;
      return { ...event(), before, after };
    },
  };
  return { draft, event, isTold: () => is_told };
};

const tellRefusal = async (
  { audit }: ControlDeps,
  { method, path }: ControlRoute,
  ctx: Context,
  refusal: Refusal,
): Promise<Error> => {
  const endpoint = `${method.toUpperCase()} ${path}`;
  await tellRefusedLogin(audit, { ...refusal, endpoint, ...originOf(ctx) });
  return refusal.error;
};

const originOf = (ctx: Context): Pick<NewEvent, 'request_id' | 'request_ip' | 'user_agent'> => ({
  request_id: ctx.state.request_id as string,
  request_ip: clientAddress(ctx.req),
  user_agent: ctx.get('user-agent') || null,
});
