import type { Context } from 'koa';
import type { NewEvent } from '../../audit/record-event.ts';
import { asOneVaultError, type OneVaultError } from '../../core/errors.ts';
import { clientAddress } from '../../http/client-address.ts';
import type { Outcome } from '../../http/outcome.ts';
import { reportRefusedLogin } from '../access/audit-trail.ts';
import { type Caller, identifyCaller, type Refusal } from '../access/caller.ts';
import { holdsEmail } from '../writing/refuse-email.ts';
import type { ControlRoute, EventDraft, RouteDeps } from './control-route.ts';

/** The step between the check of the caller and the response. */
export type HandleRequest = (ctx: Context, draft: EventDraft) => Promise<Outcome>;

/**
 * A route with its guard: it admits callers with the permission, and returns the outcome only when the audit event
 * is on disk. A customer who reads own data makes no event.
 */
export const audited = <Deps extends RouteDeps>(
  deps: Deps,
  route: ControlRoute<Deps>,
  handle: HandleRequest,
): ((ctx: Context) => Promise<Outcome>) => {
  const { permission } = route;
  if (permission === null) return (ctx) => handle(ctx, draftEvent(route, ctx, ANYBODY).draft);
  return async (ctx) => {
    const caller = identifyCaller(deps, ctx, permission);
    if ('error' in caller) throw await reportRefusal(deps, ctx, caller);
    const { draft, event, isReported } = draftEvent(route, ctx, caller);
    const is_customer = caller.actor_kind === 'customer';
    let outcome: Outcome;
    try {
      outcome = await handle(ctx, draft);
    } catch (thrown) {
      const error = asOneVaultError(thrown);
      const ended = error.status < 500 ? 'refused' : 'failed';
      if (!is_customer) await deps.audit.record({ ...event(), outcome: ended, reason: reasonOf(error), customers: [] });
      throw thrown;
    }
    if (!is_customer && !isReported()) await deps.audit.record(event());
    return outcome;
  };
};

const ANYBODY: Caller = { actor_kind: 'unknown', actor: 'unknown', customer: null };

/** The audit log's word for an error; it stays the same as before invalid fields had their own code. */
const reasonOf = ({ code }: OneVaultError): string => (code === 'validation_error' ? 'invalid_request' : code);

const draftEvent = <Deps extends RouteDeps>(route: ControlRoute<Deps>, ctx: Context, caller: Caller) => {
  let subject: string | null = null;
  let customers: readonly string[] = [];
  let is_reported = false;
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
      // A resource named by an e-mail address does not exist; the address stays out of the permanent log.
      subject = holdsEmail(named) ? null : named;
    },
    shows: (shown) => {
      customers = shown.filter((slug) => slug !== null);
    },
    change: (before, after) => {
      is_reported = true;
      return { ...event(), before, after };
    },
    isReplay: () => {
      suffix = '_replay';
    },
    isDryRun: () => {
      suffix = '.dry_run';
    },
    rehearse: (before, after) => {
      states = { before, after };
    },
  };
  return { draft, event, isReported: () => is_reported };
};

const reportRefusal = async ({ audit }: RouteDeps, ctx: Context, refusal: Refusal): Promise<Error> => {
  // The pattern of the route, because callers may put anything into the path.
  const endpoint = `${ctx.method === 'HEAD' ? 'GET' : ctx.method} ${String(ctx._matchedRoute)}`;
  await reportRefusedLogin(audit, { ...refusal, endpoint, ...originOf(ctx) });
  return refusal.error;
};

const originOf = (ctx: Context): Pick<NewEvent, 'request_id' | 'request_ip' | 'user_agent'> => ({
  request_id: ctx.state.request_id as string,
  request_ip: clientAddress(ctx.req),
  user_agent: ctx.get('user-agent') || null,
});
