import { asOneVaultError, OneVaultError } from '../../core/errors.ts';
import { NOTHING_USED, type Rating, rate } from '../../pricing/rating.ts';
import type { Usage } from '../../pricing/usage.ts';
import { withTools } from '../ai/hosted-tools.ts';
import type { Call, Candidate } from '../call.ts';
import { outcomeRecord } from '../call-record.ts';
import { streamHeaders } from '../client-response.ts';
import type { GatewayDeps } from '../deps.ts';
import { feeOf, settleKeys } from '../limits/key-budgets.ts';

/**
 * Ends a call, whatever became of it: rates what was used, gives back the rest of the reservation, appends the
 * outcome, and lets the last byte of the reply go only when the outcome is on disk.
 */
export const settle =
  (deps: GatewayDeps) =>
  async (call: Call): Promise<void> => {
    await completeUsage(call);
    const rating = ratingOf(call);
    await settleKeys(deps.budgets, call);
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
  const told = call.usage !== null && isPossible(call.usage) ? withSeen(call.usage, call) : null;
  call.usage = told;
  call.usage_source = told === null ? 'none' : 'provider';
  const produced = call.response ?? call.encoder;
  if (produced === null || (told !== null && call.error === null)) return;
  const written = produced.written();
  const has_used_tools = Object.keys(call.encoder?.tool_uses ?? {}).length > 0;
  if (written === '' && !has_used_tools && (call.error !== null || !call.parsed!.operation.isBilled)) return;
  const counted = withSeen(within(call.chosen!, await call.parsed!.operation.countUsage(written)), call);
  if (told !== null && told.completion_tokens >= counted.completion_tokens) return;
  const { prompt_tokens } = told ?? counted;
  const { completion_tokens } = counted;
  const total_tokens = prompt_tokens + completion_tokens;
  call.usage = { ...(told ?? counted), completion_tokens, total_tokens };
  call.usage_source = 'counted';
};

/** With the uses of tools that were seen in a stream, which are told of at its end alone. */
const withSeen = (usage: Usage, { encoder }: Call): Usage =>
  encoder?.tool_uses === undefined ? usage : { ...usage, tool_uses: { ...encoder.tool_uses, ...usage.tool_uses } };

// What the vault's columns take, and more than any model reads or writes.
const MOST_TOKENS = 2 ** 31 - 1;

/** A provider's word is taken, but not for what cannot be: parts that are larger than their whole. */
export const isPossible = (usage: Usage): boolean =>
  usage.total_tokens <= MOST_TOKENS &&
  usage.cached_tokens + usage.cache_write_tokens <= usage.prompt_tokens &&
  usage.reasoning_tokens <= usage.completion_tokens &&
  usage.prompt_audio_tokens + (usage.prompt_image_tokens ?? 0) <= usage.prompt_tokens &&
  usage.completion_audio_tokens + (usage.completion_image_tokens ?? 0) <= usage.completion_tokens &&
  Object.values(usage.tool_uses ?? {}).every((uses) => (uses ?? 0) <= MOST_TOKENS);

/** Another model's tokens may be fewer than ours: a count never passes what the provider was held to. */
const within = (candidate: Candidate, counted: Usage): Usage => {
  const prompt_tokens = Math.min(counted.prompt_tokens, candidate.max_prompt_tokens);
  const completion_tokens = Math.min(counted.completion_tokens, candidate.max_completion_tokens);
  return { ...counted, prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
};

/** What a call costs by its usage; tells it what its customer's own key is billed. */
export const ratingOf = (call: Call): Rating => {
  const listed =
    call.usage === null || call.chosen === null
      ? NOTHING_USED
      : rate(withTools(call.usage, call.chosen.tools), call.chosen.price, call.customer!.markup_basis_points);
  if (call.chosen === null || call.chosen.provider_key === null) return listed;
  call.provider_key_cost = listed.provider_cost;
  return feeOf(listed);
};

const prepareReply = (deps: GatewayDeps, call: Call, rating: Rating): void => {
  const { error, protocol, client_response } = call;
  const now_ms = deps.clock.now();
  if (error === null) {
    client_response.prepare(
      call.response === null ? call.encoder!.last(call, rating) : call.response.body(call, rating),
    );
  } else if (client_response.has_started) {
    const { broken } = call.parsed?.stream_form ?? protocol.error_format;
    client_response.prepare(broken(error, call.request_id, now_ms, call.encoder?.next_number ?? 0));
  } else {
    const envelope = protocol.error_format.error(error, call.request_id, now_ms);
    client_response.prepare(JSON.stringify(call.parsed?.stream_form?.error(envelope) ?? envelope));
  }
};

const statusOf = (call: Call): number =>
  call.error === null || call.client_response.has_started ? 200 : call.error.status;

const sendReply = (call: Call): void => {
  const { error, client_response } = call;
  const is_stream = error === null && call.parsed!.stream;
  const headers: Record<string, string> = is_stream
    ? { ...streamHeaders(call.parsed!.stream_form?.content_type) }
    : { 'content-type': 'application/json; charset=utf-8' };
  if (error?.retry_after_s != null) headers['retry-after'] = String(error.retry_after_s);
  client_response.finish(statusOf(call), headers);
};

/** What a step threw, as the error that the client and the record see. */
export const failureOf = (thrown: unknown, call: Call): OneVaultError =>
  call.signal.aborted ? new OneVaultError('client_closed_request', { cause: thrown }) : asOneVaultError(thrown);
