import { asOneVaultError, OneVaultError } from '../../core/errors.ts';
import type { Usage } from '../../providers/chat-form.ts';
import type { Call, CandidateOffer } from '../call.ts';
import { outcomeRecord } from '../call-record.ts';
import type { GatewayDeps } from '../deps.ts';
import { NOTHING_USED, type Rating, rate } from '../rating.ts';
import { STREAM_HEADERS } from '../reply.ts';

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

/**
 * What the call used: as the provider told it, or counted where it told nothing. In a stream that broke, the
 * provider may have told of the prompt alone: then what was produced is counted.
 */
const completeUsage = async (call: Call): Promise<void> => {
  const told = call.usage !== null && isPossible(call.usage) ? call.usage : null;
  call.usage = told;
  call.usage_source = told === null ? 'none' : 'provider';
  const reply = call.answer ?? call.frames;
  if (reply === null || (told !== null && call.error === null)) return;
  const written = reply.written();
  if (written === '' && (call.error !== null || !call.ask!.work.isBilled)) return;
  const counted = within(call.chosen!, await call.ask!.work.countUsage(written));
  if (told !== null && told.completion_tokens >= counted.completion_tokens) return;
  const { prompt_tokens } = told ?? counted;
  const { completion_tokens } = counted;
  const total_tokens = prompt_tokens + completion_tokens;
  call.usage = { ...(told ?? counted), completion_tokens, total_tokens };
  call.usage_source = 'counted';
};

// What the vault's columns take, and more than any model reads or writes.
const MOST_TOKENS = 2 ** 31 - 1;

/** A provider's word is taken, but not for what cannot be: parts that are larger than their whole. */
const isPossible = (usage: Usage): boolean =>
  usage.total_tokens <= MOST_TOKENS &&
  usage.cached_tokens + usage.cache_write_tokens <= usage.prompt_tokens &&
  usage.reasoning_tokens <= usage.completion_tokens;

/** Another model's tokens may be fewer than ours: a count never passes what the provider was held to. */
const within = (candidate: CandidateOffer, counted: Usage): Usage => {
  const prompt_tokens = Math.min(counted.prompt_tokens, candidate.most_prompt_tokens);
  const completion_tokens = Math.min(counted.completion_tokens, candidate.most_completion_tokens);
  return { ...counted, prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
};

const ratingOf = (call: Call): Rating =>
  call.usage === null || call.chosen === null
    ? NOTHING_USED
    : rate(call.usage, call.chosen.price, call.customer!.markup_basis_points);

const prepareReply = (deps: GatewayDeps, call: Call, rating: Rating): void => {
  const { error, protocol, reply } = call;
  const now_ms = deps.clock.now();
  if (error === null) {
    reply.prepare(call.answer === null ? call.frames!.last(call, rating) : call.answer.body(call, rating));
  } else if (reply.has_started) {
    reply.prepare(protocol.dialect.broken(error, call.request_id, now_ms));
  } else {
    reply.prepare(JSON.stringify(protocol.dialect.error(error, call.request_id, now_ms)));
  }
};

const statusOf = (call: Call): number =>
  call.error === null || call.reply.has_started ? 200 : call.error.status;

const sendReply = (call: Call): void => {
  const { error, reply } = call;
  const is_stream = error === null && call.ask!.stream;
  const headers: Record<string, string> = is_stream
    ? { ...STREAM_HEADERS }
    : { 'content-type': 'application/json; charset=utf-8' };
  if (error?.retry_after_s != null) headers['retry-after'] = String(error.retry_after_s);
  reply.finish(statusOf(call), headers);
};

/** What a step threw, as the error that the client and the record see. */
export const failureOf = (thrown: unknown, call: Call): OneVaultError =>
  call.signal.aborted
    ? new OneVaultError('client_closed_request', { cause: thrown })
    : asOneVaultError(thrown);
