import { asOneVaultError } from '../../../core/errors.ts';
import { CLOSE_CODES, type Message } from '../../../http/web-socket.ts';
import { outcomeRecord } from '../../call-record.ts';
import { errorEvent, type Session } from './session.ts';
import { endedFor, type SessionEnd } from './session-end.ts';

const SWITCHED = 101;

/**
 * Ends a session: releases its reservations, appends the outcome, then closes both sides. Neither side sees the end
 * before the outcome is on disk.
 */
export const closeSession = async (session: Session, ending: SessionEnd): Promise<void> => {
  const { call, client, provider, deps } = session;
  let reported = ending;
  session.is_over = true;
  const has_error = ending.error !== null && ending.by !== 'client' && ending.frame === null;
  const error = has_error ? errorEvent(session, ending.error!, null) : null;
  if (error !== null) session.sent_to_client.add(error);
  const fault = await record(session, ending);
  if (fault !== null) {
    reported = endedFor(asOneVaultError(fault));
    deps.log.error({ err: fault, request_id: call.request_id }, 'a session could not be recorded');
  }
  await closeBoth(session, reported, error);
  await Promise.all([client.closed, provider.closed]);
};

/** @returns the fault that kept the outcome from being recorded, else null */
const record = async ({ call, deps, budget }: Session, ending: SessionEnd): Promise<unknown> => {
  call.error = ending.error;
  call.session!.closed_by = ending.by;
  call.session!.close_code = ending.close_code;
  const rating = budget.rating();
  await budget.release();
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

/** Passes the close frame of one side to the other, and its answer back; without one, closes both. */
const closeBoth = async (
  { client, provider }: Session,
  { by, close_code, frame, error }: SessionEnd,
  message: Message | null,
): Promise<void> => {
  if (by === 'client' && frame !== null) {
    const answer = await provider.close(frame.code, frame.reason);
    void client.close(answer?.code ?? frame.code, answer?.reason ?? '');
    return;
  }
  if (by === 'provider' && frame !== null) {
    const answer = await client.close(frame.code, frame.reason);
    void provider.close(answer?.code ?? CLOSE_CODES.going_away, answer?.reason ?? '');
    return;
  }
  void provider.close(CLOSE_CODES.going_away, '');
  if (message !== null) void client.send(message.kind, message.payload);
  await client.close(close_code === CLOSE_CODES.cut ? CLOSE_CODES.internal_error : close_code, error?.code ?? '');
  // A provider that goes on sending is not read to its close frame.
  provider.terminate();
};
