import { setTimeout as sleep } from 'node:timers/promises';
import { OneVaultError } from '../../../core/errors.ts';
import type { Message } from '../../../http/web-socket.ts';
import type { GatewayDeps } from '../../deps.ts';
import { createClientSide, refusalOf } from './client-side.ts';
import { closeSession } from './close-session.ts';
import { createProviderSide } from './provider-side.ts';
import { openSession, type Session, type SessionInput } from './session.ts';
import { endBy, endedFor, endOf, type SessionEnd, type Side } from './session-end.ts';

// Longest time after which a revoked key or silence is noticed.
const WATCH_MS = 1_000;
// A provider ends a cancelled response at once and reports its usage; one that does not is no longer waited for.
const CANCEL_WAIT_MS = 2_000;

/** Passes messages between client and provider until the session ends, then records it and closes both sides. */
export const runSession = async (deps: GatewayDeps, input: SessionInput): Promise<void> => {
  const ended = Promise.withResolvers<SessionEnd>();
  const session = openSession(deps, input, ended.resolve);
  const provider_side = createProviderSide(session);
  const pumps = [pump(session, 'client', createClientSide(session)), pump(session, 'provider', provider_side.take)];
  const stopWatching = watch(session);
  const ending = await ended.promise;
  stopWatching();
  if (ending.by !== 'provider') await cancelResponses(session);
  await provider_side.countUnreported();
  await closeSession(session, ending);
  await Promise.all(pumps);
};

/** Reads one side to its end. */
const pump = async (
  session: Session,
  side: Side,
  take: (message: Message) => Promise<void> | undefined,
): Promise<void> => {
  const { client, provider, deps, call } = session;
  const [from, to] = side === 'client' ? [client, provider] : [provider, client];
  try {
    await from.receive((received) => {
      const { kind } = received;
      if (kind === 'close' || kind === 'fault' || kind === 'gone') session.end(endBy(side, received));
      else if (session.is_over) return undefined;
      else if (kind === 'text' || kind === 'binary') return take({ kind, payload: received.payload });
      else return to.send(kind, received.payload);
      return undefined;
    });
  } catch (thrown) {
    const ending = endOf(thrown, side);
    if (ending.error?.code === 'internal_error')
      deps.log.error({ err: thrown, request_id: call.request_id }, 'a session met a fault');
    session.end(ending);
  }
};

/** Ends the session if its key is revoked, if both sides or a response are silent too long, or if the product stops. */
const watch = (session: Session): (() => void) => {
  const { deps, call, budget, limits } = session;
  const { idle_timeout_ms } = deps.realtime;
  const silence_ms = limits.idle_timeout_ms;
  const counts = (): readonly number[] => [session.sent_by_client.message_count, session.sent_to_client.message_count];
  let [from_client, to_client] = counts();
  let heard_ms = deps.clock.now();
  let provider_heard_ms = heard_ms;
  const check = (): void => {
    const now_ms = deps.clock.now();
    const [from_client_now, to_client_now] = counts();
    if (to_client_now !== to_client || budget.under_way === 0) provider_heard_ms = now_ms;
    if (from_client_now !== from_client || to_client_now !== to_client) heard_ms = now_ms;
    [from_client, to_client] = [from_client_now, to_client_now];
    const refusal = refusalOf(deps, call, now_ms);
    if (refusal !== null) session.end(endedFor(refusal));
    else if (now_ms - provider_heard_ms >= silence_ms) {
      const details = `The response made no progress for ${silence_ms} ms.`;
      session.end(endedFor(new OneVaultError('provider_timeout', { details }), 'provider'));
    } else if (now_ms - heard_ms >= idle_timeout_ms) {
      session.end(
        endedFor(new OneVaultError('session_idle', { details: `No message came for ${idle_timeout_ms} ms.` })),
      );
    }
  };
  const timer = setInterval(check, Math.min(WATCH_MS, idle_timeout_ms / 2, silence_ms / 2));
  const stop = (): void => session.end(endedFor(new OneVaultError('not_ready')));
  if (deps.stopping.aborted) stop();
  deps.stopping.addEventListener('abort', stop);
  return () => {
    clearInterval(timer);
    deps.stopping.removeEventListener('abort', stop);
  };
};

/** Cancels the responses under way, so that the provider reports their usage. */
const cancelResponses = async ({ budget, provider }: Session): Promise<void> => {
  if (budget.under_way === 0) return;
  const cancels = [...budget.active].map((response_id) => ({ type: 'response.cancel', response_id }));
  // The promise of `send` is ignored: a provider that reads nothing more must not delay the end.
  for (const event of cancels.length === 0 ? [{ type: 'response.cancel' }] : cancels)
    void provider.send('text', Buffer.from(JSON.stringify(event)));
  const until_ms = performance.now() + CANCEL_WAIT_MS;
  while (budget.under_way > 0 && !provider.has_ended && performance.now() < until_ms) await sleep(10);
};
