import { asOneVaultError, OneVaultError } from '../../core/errors.ts';
import { errorEnvelope } from '../../http/envelope.ts';
import type { Call } from '../call.ts';
import { outcomeRecord } from '../call-record.ts';
import type { GatewayDeps } from '../deps.ts';
import { NOTHING_USED, type Rating, rate } from '../rating.ts';
import { countUsage } from '../tokens.ts';

/**
 * Ends a call, whatever became of it: rates what was used, gives back the rest of the reservation, appends the
 * outcome, and lets the last byte of the reply go only when the outcome is on disk.
 */
export const settle =
  (deps: GatewayDeps) =>
  async (call: Call): Promise<void> => {
    await completeUsage(call);
    const rating = ratingOf(call);
    if (call.reservation !== null) await deps.budgets.settle(call.reservation, rating.customer_cost ?? 0n);
    prepareReply(deps, call, rating);
    const http_status = statusOf(call);
    try {
      await deps.journal.append(outcomeRecord(call, rating, http_status, deps.clock.now()));
    } catch (thrown) {
      call.error = asOneVaultError(thrown);
      prepareReply(deps, call, rating);
    }
    sendReply(call);
    deps.metrics.countCall(call, rating, statusOf(call), deps.clock.now());
  };

const completeUsage = async (call: Call): Promise<void> => {
  if (call.usage !== null) {
    call.usage_source = 'provider';
    return;
  }
  const produced = call.produced_text?.() ?? '';
  if (produced === '') return;
  call.usage = await countUsage(call.ask!.chat, produced);
  call.usage_source = 'counted';
};

const ratingOf = (call: Call): Rating =>
  call.usage === null || call.chosen === null
    ? NOTHING_USED
    : rate(call.usage, call.chosen.price, call.customer!.markup_basis_points);

const prepareReply = (deps: GatewayDeps, call: Call, rating: Rating): void => {
  const { error, protocol, reply } = call;
  const now_ms = deps.clock.now();
  if (error === null) {
    reply.prepare(
      call.response === null ? protocol.end(call, rating) : protocol.reply(call.response, call, rating),
    );
  } else if (reply.has_started) {
    reply.prepare(protocol.broken(error, call, now_ms));
  } else {
    reply.prepare(JSON.stringify(errorEnvelope(error, call.request_id, now_ms)));
  }
};

const statusOf = (call: Call): number =>
  call.error === null || call.reply.has_started ? 200 : call.error.status;

const sendReply = (call: Call): void => {
  const { error, reply } = call;
  const headers: Record<string, string> = { 'content-type': 'application/json; charset=utf-8' };
  if (error?.retry_after_s != null) headers['retry-after'] = String(error.retry_after_s);
  reply.finish(statusOf(call), headers);
};

/** What a step threw, as the error that the client and the record see. */
export const failureOf = (thrown: unknown, call: Call): OneVaultError =>
  call.signal.aborted
    ? new OneVaultError('client_closed_request', { cause: thrown })
    : asOneVaultError(thrown);
