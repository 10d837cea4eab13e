import { setTimeout as sleep } from 'node:timers/promises';
import { asOneVaultError } from '../../../core/errors.ts';
import { outcomeRecord } from '../../call-record.ts';
import { errorEvent } from './error-event.ts';
import { CLOSE_CODES } from './frame-reader.ts';
import { writeClose } from './frame-writer.ts';
import type { Session } from './session.ts';
import { type Ending, endedFor } from './session-end.ts';

// A client or provider that is there answers a close frame at once.
const CLOSE_WAIT_MS = 1_000;
const GOODBYE_MAX_MS = 2 * CLOSE_WAIT_MS;
const POLL_MS = 5;
const SWITCHED = 101;

/**
 * Ends a session for which an ending was found: gives back what is held, appends the outcome, and tells both sides
 * once it is on disk; then the connections are closed, whatever the sides do.
 */
export const closeSession = async (session: Session, ending: Ending): Promise<void> => {
  const { call, socket, tunnel } = session;
  let told = ending;
  session.is_over = true;
  const error = errorMessage(session, ending);
  if (error !== null) session.provider.add(error);
  const fault = await record(session, ending);
  if (fault !== null) {
    told = endedFor(asOneVaultError(fault));
    session.deps.log.error({ err: fault, request_id: call.request_id }, 'a session could not be recorded');
  }
  // A side that takes nothing any more is not waited for.
  await Promise.race([
    sayGoodbye(session, told, error === null ? [] : error.raw),
    sleep(GOODBYE_MAX_MS, undefined, { ref: false }),
  ]);
  socket.resume();
  tunnel.to_provider.end();
  socket.end();
  await waitFor(() => socket.closed);
  socket.destroy();
  tunnel.destroy();
};

const errorMessage = ({ call, deps }: Session, { by, error, frame }: Ending) =>
  error === null || by === 'client' || frame !== null
    ? null
    : errorEvent(error, { request_id: call.request_id, now_ms: deps.clock.now(), event_id: null });

/** @returns what kept the outcome from being recorded, else null */
const record = async ({ call, deps, ledger }: Session, ending: Ending): Promise<unknown> => {
  call.error = ending.error;
  call.session!.closed_by = ending.by;
  call.session!.close_code = ending.close_code;
  const rating = ledger.rating();
  await ledger.release();
  const now_ms = deps.clock.now();
  try {
    await deps.journal.append(outcomeRecord(call, rating, SWITCHED, now_ms));
  } catch (fault) {
    return fault;
  } finally {
    deps.metrics.countCall(call, rating, SWITCHED, now_ms);
  }
  return null;
};

const sayGoodbye = async (session: Session, ending: Ending, error: readonly Buffer[]): Promise<void> => {
  const { by, close_code, frame } = ending;
  const { to_client, to_provider } = session;
  if (by === 'client' && frame !== null) {
    await to_provider.write(frame);
    await waitFor(() => session.closing_reply !== null || session.tunnel.from_provider.closed);
    const code = close_code === CLOSE_CODES.no_code ? null : close_code;
    await to_client.write(session.closing_reply ?? [writeClose(code, '', false)]);
    return;
  }
  if (by === 'provider' && frame !== null) {
    await to_client.write(frame);
    await waitFor(() => session.closing_reply !== null || session.socket.closed);
    await to_provider.write(session.closing_reply ?? [writeClose(CLOSE_CODES.going_away, '', true)]);
    return;
  }
  await to_provider.write([writeClose(CLOSE_CODES.going_away, '', true)]);
  const code = close_code === CLOSE_CODES.cut ? CLOSE_CODES.internal_error : close_code;
  await to_client.write([...error, writeClose(code, ending.error?.code ?? '', false)]);
  await waitFor(() => session.closing_reply !== null || session.socket.closed);
};

const waitFor = async (isSo: () => boolean): Promise<void> => {
  const until_ms = performance.now() + CLOSE_WAIT_MS;
  while (!isSo() && performance.now() < until_ms) await sleep(POLL_MS);
};
