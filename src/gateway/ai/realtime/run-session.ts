import { setTimeout as sleep } from 'node:timers/promises';
import { OneVaultError } from '../../../core/errors.ts';
import type { GatewayDeps } from '../../deps.ts';
import { createClientSide } from './client-side.ts';
import { closeSession } from './close-session.ts';
import { closeCodeOf, createFrameReader, OPCODES, type Received } from './frame-reader.ts';
import { writeEvent } from './frame-writer.ts';
import { createProviderSide } from './provider-side.ts';
import { openSession, type Session, type SessionInput } from './session.ts';
import { closedBy, cutBy, type Ending, endedFor, endingOf } from './session-end.ts';
import { refusalOf } from './still-allowed.ts';

// How soon a revoked key, silence and a stop are noticed.
const WATCH_MS = 1_000;
// A response that is cancelled ends at once, with its usage; a provider that says nothing by then is not waited for.
const CANCEL_WAIT_MS = 2_000;

/** Passes the messages of a session on, both ways, until one side ends it; then records it, and closes both. */
export const runSession = async (deps: GatewayDeps, input: SessionInput): Promise<void> => {
  const over = Promise.withResolvers<Ending>();
  const session = openSession(deps, input, over.resolve);
  const { socket, tunnel } = session;
  const client_side = createClientSide(session);
  const provider_side = createProviderSide(session);
  const pumps = [
    pump(session, 'client', socket.iterator({ destroyOnReturn: false }), client_side),
    pump(session, 'provider', tunnel.from_provider.iterator({ destroyOnReturn: false }), provider_side.take),
  ];
  const stopWatching = watch(session);
  const ending = await over.promise;
  stopWatching();
  if (ending.by !== 'provider') await cancelResponses(session);
  await provider_side.countUntold();
  await closeSession(session, ending);
  await Promise.all(pumps);
};

type Side = 'client' | 'provider';

/** Reads one side to its end. Nothing more is read while what was read is under way: that holds the other side back. */
const pump = async (
  session: Session,
  side: Side,
  pieces: AsyncIterable<Buffer>,
  take: (message: Received) => Promise<void>,
): Promise<void> => {
  const reader = createFrameReader({
    is_masked: side === 'client',
    message_max_bytes: session.deps.realtime.message_max_bytes,
  });
  const other = side === 'client' ? session.to_provider : session.to_client;
  try {
    for await (const piece of pieces) {
      for (const received of reader.push(piece)) {
        if (session.is_over && received.opcode !== OPCODES.close) continue;
        if (received.opcode === OPCODES.close) {
          const code = closeCodeOf(received);
          if (session.ending === null) session.end(closedBy(side, code, received.raw));
          else session.closing_reply = received.raw;
          return;
        }
        if (received.opcode >= OPCODES.close) await other.write(received.raw);
        else await take(received);
      }
    }
    session.end(cutBy(side));
  } catch (thrown) {
    const ending = endingOf(thrown, side);
    if (ending.error?.code === 'internal_error')
      session.deps.log.error({ err: thrown, request_id: session.call.request_id }, 'a session met a fault');
    session.end(ending);
  }
};

/** Ends the session when its key is revoked, when nobody speaks, when the provider falls silent, when the product stops. */
const watch = (session: Session): (() => void) => {
  const { deps, call, ledger, limits } = session;
  const { idle_timeout_ms } = deps.realtime;
  const silence_ms = limits.idle_timeout_ms;
  const counts = (): readonly number[] => [session.client.message_count, session.provider.message_count];
  let [heard_client, heard_provider] = counts();
  let heard_ms = deps.clock.now();
  let provider_heard_ms = heard_ms;
  const check = (): void => {
    const now_ms = deps.clock.now();
    const [client, provider] = counts();
    if (provider !== heard_provider || ledger.under_way === 0) provider_heard_ms = now_ms;
    if (client !== heard_client || provider !== heard_provider) heard_ms = now_ms;
    [heard_client, heard_provider] = [client, provider];
    const refusal = refusalOf(deps, call, now_ms);
    if (refusal !== null) session.end(endedFor(refusal));
    else if (now_ms - provider_heard_ms >= silence_ms) {
      const details = `The response stood still for ${silence_ms} ms.`;
      session.end(endedFor(new OneVaultError('provider_timeout', { details }), 'provider'));
    } else if (now_ms - heard_ms >= idle_timeout_ms) {
      session.end(endedFor(new OneVaultError('session_idle', { details: `It was silent for ${idle_timeout_ms} ms.` })));
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

/** Has the provider end what is under way, so that it tells what that used. */
const cancelResponses = async ({ ledger, to_provider, tunnel }: Session): Promise<void> => {
  if (ledger.under_way === 0) return;
  const cancels = [...ledger.active].map((response_id) => writeEvent({ type: 'response.cancel', response_id }, true));
  const until_ms = performance.now() + CANCEL_WAIT_MS;
  const all = cancels.length === 0 ? [writeEvent({ type: 'response.cancel' }, true)] : cancels;
  await Promise.race([to_provider.write(all), sleep(CANCEL_WAIT_MS, undefined, { ref: false })]);
  while (ledger.under_way > 0 && !tunnel.from_provider.closed && performance.now() < until_ms) await sleep(10);
};
