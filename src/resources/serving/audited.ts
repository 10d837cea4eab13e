import type { Context } from 'koa';
import type { NewEvent } from '../../audit/record-event.ts';
import { asOneVaultError, type OneVaultError } from '../../core/errors.ts';
import { clientAddress } from '../../http/client-address.ts';
import type { Outcome } from '../../http/outcome.ts';
import { tellRefusedLogin } from '../access/audit-trail.ts';
import { type Caller, identifyCaller, type Refusal } from '../access/caller.ts';
import { holdsEmail } from '../writing/refuse-email.ts';
import type { ControlRoute, EventDraft, RouteDeps } from './control-route.ts';

/** What comes between who asks and what is answered. */
export type Work = (ctx: Context, draft: EventDraft) => Promise<Outcome>;

/**
 * A route with its guard: it lets in who has the permission, and gives the outcome only when what was done, seen or
 * refused is on disk. What customers read of themselves is their own business and no event.
 */
export const audited = <Deps extends RouteDeps>(
  deps: Deps,
  route: ControlRoute<Deps>,
  work: Work,
): ((ctx: Context) => Promise<Outcome>) => {
  const { permission } = route;
  if (permission === null) return (ctx) => work(ctx, draftEvent(route, ctx, ANYBODY).draft);
  return async (ctx) => {
    const caller = identifyCaller(deps, ctx, permission);
    if ('error' in caller) throw await tellRefusal(deps, ctx, caller);
    const { draft, event, isTold } = draftEvent(route, ctx, caller);
    const is_own = caller.actor_kind === 'customer';
    let outcome: Outcome;
    try {
      outcome = await work(ctx, draft);
    } catch (thrown) {
      const error = asOneVaultError(thrown);
      const ended = error.status < 500 ? 'refused' : 'failed';
      if (!is_own) await deps.audit.record({ ...event(), outcome: ended, reason: reasonOf(error), customers: [] });
      throw thrown;
    }
    if (!is_own && !isTold()) await deps.audit.record(event());
    return outcome;
  };
};

const ANYBODY: Caller = { actor_kind: 'unknown', actor: 'unknown', customer: null };

/** The word of the audit log for an error, which stays what it was when invalid fields had no code of their own. */
const reasonOf = ({ code }: OneVaultError): string => (code === 'validation_error' ? 'invalid_request' : code);

const draftEvent = <Deps extends RouteDeps>(route: ControlRoute<Deps>, ctx: Context, caller: Caller) => {
  let subject: string | null = null;
  let customers: readonly string[] = [];
  let is_told = false;
  let suffix = '';
  let states: Pick<NewEvent, 'before' | 'after'> = {};
  const event = (): NewEvent => ({
    actor_kind: caller.actor_kind,
    actor: caller.actor,
    action: `${route.action}${suffix}`,
    subject_kind: route.subject_kind,
    subject,
    outcome: 'succeeded',
    ...originOf(ctx),
    customers,
    ...states,
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
    isDryRun: () => {
      suffix = '.dry_run';
    },
    rehearse: (before, after) => {
      states = { before, after };
    },
  };
  return { draft, event, isTold: () => is_told };
};

const tellRefusal = async ({ audit }: RouteDeps, ctx: Context, refusal: Refusal): Promise<Error> => {
  // The path as it is served: what callers put into theirs may be anything.
  const endpoint = `${ctx.method === 'HEAD' ? 'GET' : ctx.method} ${String(ctx._matchedRoute)}`;
  await tellRefusedLogin(audit, { ...refusal, endpoint, ...originOf(ctx) });
  return refusal.error;
};

const originOf = (ctx: Context): Pick<NewEvent, 'request_id' | 'request_ip' | 'user_agent'> => ({
  request_id: ctx.state.request_id as string,
  request_ip: clientAddress(ctx.req),
  user_agent: ctx.get('user-agent') || null,
});
