import { asOneVaultError, OneVaultError } from '../../core/errors.ts';
import { charges, NOTHING_USED, type Rating, rate } from '../../pricing/rating.ts';
import type { Usage } from '../../pricing/usage.ts';
import { withTools } from '../ai/hosted-tools.ts';
import type { Call, Candidate } from '../call.ts';
import { outcomeRecord } from '../call-record.ts';
import { streamHeaders } from '../client-response.ts';
import type { GatewayDeps } from '../deps.ts';
import { completeClaim, releaseUnused } from '../idempotency/end-claim.ts';
import { feeOf, settleKeys } from '../limits/key-budgets.ts';

/**
 * Ends a call in any case: rates its usage, releases the rest of the reservation, appends the outcome, and sends the
 * last byte of the response only when the outcome is on disk.
 * @returns a function whose second parameter is false for a call that is only counted
 */
export const settle =
  (deps: GatewayDeps) =>
  async (call: Call, is_recorded = true): Promise<void> => {
    await completeUsage(call);
    addMeasured(call);
    releaseUnused(call);
    const rating = ratingOf(call);
    await settleKeys(deps.budgets, call);
    if (call.reservation !== null) await deps.budgets.settle(call.reservation, rating.customer_cost ?? 0n);
    prepareResponse(deps, call, rating);
    const http_status = statusOf(call);
    const outcome = outcomeRecord(call, rating, http_status, deps.clock.now());
    try {
      if (is_recorded) await deps.journal.append(outcome);
    } catch (thrown) {
      call.error = asOneVaultError(thrown);
      prepareResponse(deps, call, rating);
    }
    completeClaim(call, outcome.call);
    sendResponse(call);
    deps.metrics.countCall(call, rating, statusOf(call), deps.clock.now());
  };

/**
 * Completes the usage: as the provider reported it, else counted. In a stream that broke, the provider may have
 * reported only the prompt: then the completion is counted.
 */
const completeUsage = async (call: Call): Promise<void> => {
  const reported = call.usage !== null && isPossible(call.usage) ? withSeenTools(call.usage, call) : null;
  call.usage = reported;
  call.usage_source = reported === null ? 'none' : 'provider';
  const produced = call.response ?? call.encoder;
  if (produced === null || (reported !== null && call.error === null)) return;
  const text = produced.written();
  const has_more = call.encoder?.has_audio === true || Object.keys(call.encoder?.tool_uses ?? {}).length > 0;
  if (text === '' && !has_more && (call.error !== null || !call.parsed!.operation.isBilled)) return;
  const usage = await call.parsed!.operation.countUsage(text, call.response?.audio_seconds);
  const counted = withSeenTools(within(call.chosen!, usage), call);
  if (reported !== null && reported.completion_tokens >= counted.completion_tokens) return;
  const { prompt_tokens } = reported ?? counted;
  const { completion_tokens } = counted;
  const total_tokens = prompt_tokens + completion_tokens;
  call.usage = { ...(reported ?? counted), completion_tokens, total_tokens };
  call.usage_source = 'counted';
};

/**
 * Adds the characters of the text to speak, and the seconds of transcribed audio. Seconds that the provider did not
 * report are estimated from the file; if the price needs them, the usage is recorded as counted.
 */
const addMeasured = (call: Call): void => {
  if (call.usage === null || call.parsed === null) return;
  const { operation } = call.parsed;
  const characters = operation.countCharacters?.();
  if (characters !== undefined) call.usage = { ...call.usage, characters };
  const max_seconds = operation.maxAudioSeconds?.();
  if (max_seconds === undefined) return;
  const reported = call.response?.audio_seconds;
  call.usage = { ...call.usage, audio_seconds: Math.ceil(reported ?? max_seconds) };
  const price = call.chosen?.price ?? null;
  if (reported === undefined && price !== null && charges(price, 'audio_second')) call.usage_source = 'counted';
};

/** Adds the tool uses that were seen in a stream. Providers report them only at the stream's end. */
const withSeenTools = (usage: Usage, { encoder }: Call): Usage =>
  encoder?.tool_uses === undefined ? usage : { ...usage, tool_uses: { ...encoder.tool_uses, ...usage.tool_uses } };

// Limit of the vault's columns, and more than any model reads or writes.
const MAX_TOKENS = 2 ** 31 - 1;

/** False if the provider reported impossible usage: parts that are larger than their whole. */
export const isPossible = (usage: Usage): boolean =>
  usage.total_tokens <= MAX_TOKENS &&
  usage.cached_tokens + usage.cache_write_tokens <= usage.prompt_tokens &&
  usage.reasoning_tokens <= usage.completion_tokens &&
  usage.prompt_audio_tokens + (usage.prompt_image_tokens ?? 0) <= usage.prompt_tokens &&
  usage.completion_audio_tokens + (usage.completion_image_tokens ?? 0) <= usage.completion_tokens &&
  Object.values(usage.tool_uses ?? {}).every((uses) => (uses ?? 0) <= MAX_TOKENS);

/** Another model's tokenizer may make fewer tokens: the count never exceeds the limits that the provider was given. */
const within = (candidate: Candidate, counted: Usage): Usage => {
  const prompt_tokens = Math.min(counted.prompt_tokens, candidate.max_prompt_tokens);
  const completion_tokens = Math.min(counted.completion_tokens, candidate.max_completion_tokens);
  return {
    ...counted,
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    prompt_audio_tokens: Math.min(counted.prompt_audio_tokens, prompt_tokens),
    completion_audio_tokens: Math.min(counted.completion_audio_tokens, completion_tokens),
  };
};

/** Rates a call by its usage. Sets the call's `provider_key_cost` if the customer's own key paid. */
export const ratingOf = (call: Call): Rating => {
  const listed =
    call.usage === null || call.chosen === null
      ? NOTHING_USED
      : rate(withTools(call.usage, call.chosen.tools), call.chosen.price, call.customer!.markup_basis_points);
  if (call.chosen === null || call.chosen.provider_key === null) return listed;
  call.provider_key_cost = listed.provider_cost;
  return feeOf(listed);
};

const prepareResponse = (deps: GatewayDeps, call: Call, rating: Rating): void => {
  const { error, protocol, client_response } = call;
  const now_ms = deps.clock.now();
  if (error === null && call.replay !== null) client_response.prepare(call.replay.body);
  else if (error === null) {
    client_response.prepare(
      call.response === null ? call.encoder!.last(call, rating) : call.response.body(call, rating),
    );
  } else if (breaksOff(call)) {
    client_response.prepare('');
  } else if (client_response.has_started) {
    const { broken } = call.parsed?.stream_form ?? protocol.error_format;
    client_response.prepare(broken(error, call.request_id, now_ms, call.encoder?.next_number ?? 0));
  } else {
    const envelope = protocol.error_format.error(error, call.request_id, now_ms);
    client_response.prepare(JSON.stringify(call.parsed?.stream_form?.error(envelope) ?? envelope));
  }
};

/** Chunks of audio have no format for an error: the client sees it by the cut connection. */
const breaksOff = ({ error, encoder, client_response }: Call): boolean =>
  error !== null && client_response.has_started && encoder !== null && !('keep_alive' in encoder);

const statusOf = (call: Call): number =>
  call.error === null || call.client_response.has_started ? 200 : call.error.status;

const JSON_TYPE = 'application/json; charset=utf-8';

const sendResponse = (call: Call): void => {
  const { error, client_response } = call;
  if (breaksOff(call)) {
    client_response.cut();
    return;
  }
  if (error === null && call.replay !== null) {
    client_response.finish(200, call.replay.headers);
    return;
  }
  const is_stream = error === null && call.encoder !== null;
  const headers: Record<string, string> = is_stream
    ? { ...streamHeaders(call.parsed!.stream_form?.content_type) }
    : { 'content-type': (error === null ? call.response?.content_type : undefined) ?? JSON_TYPE };
  if (error?.retry_after_s != null) headers['retry-after'] = String(error.retry_after_s);
  client_response.finish(statusOf(call), headers);
};

/** Converts a thrown value into the error for the client and the record. */
export const failureOf = (thrown: unknown, call: Call): OneVaultError =>
  call.signal.aborted ? new OneVaultError('client_closed_request', { cause: thrown }) : asOneVaultError(thrown);
