import { instantOf } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import { usdFromPico } from '../../core/money.ts';
import type { IdempotencyFacts } from '../../journal/record.ts';
import type { Call, Step } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';
import type { FirstCall } from '../idempotency/first-call.ts';
import { hashRequest } from '../idempotency/key-hasher.ts';
import { recordResponse } from '../idempotency/record-response.ts';
import type { ReplayKey } from '../idempotency/replay-store.ts';

const HEADER = 'idempotency-key';
const KEY = /^[\x20-\x7e]{1,255}$/;
// A call takes seconds. The official SDKs follow times of up to a minute.
const RETRY_AFTER_S = 1;

/**
 * Claims the `Idempotency-Key` of a call (draft-ietf-httpapi-idempotency-key-header-07), so that one of all calls with
 * the key is executed. It answers a repeated key itself. The official SDKs retry every 409 unless `x-should-retry`
 * forbids it.
 */
export const claimKey =
  (deps: GatewayDeps): Step =>
  (call) => {
    if (call.ctx.req.headers[HEADER] === undefined) return;
    return claim(deps, call);
  };

const claim = async (deps: GatewayDeps, call: Call): Promise<void> => {
  const key = keyOf(call);
  const { customer } = call.customer!;
  const facts = await factsOf(deps, call, customer, key);
  // The clock is read again: the first call may have been received while this one waited for the secret.
  const { request_id } = call;
  const result = deps.idempotency_keys.claim(customer, facts, { request_id, received_ms: deps.clock.now() });
  const { replay_window_s } = call.customer!;
  // The query chooses the form of Google's streams, and is in neither hash because it may hold an API key.
  const replay_key = { customer, key_hash: facts.key_hash, form: call.parsed!.stream_form?.content_type ?? '' };
  if (result.kind === 'claimed') {
    call.idempotency = result.claim;
    if (replay_window_s !== null) keepResponse(deps, call, replay_key);
    return;
  }
  if (result.kind === 'full') {
    call.ctx.set('x-should-retry', 'false');
    throw new OneVaultError('rate_limit_exceeded', {
      details:
        'The customer has as many Idempotency-Keys of the last 24 h as the gateway keeps. ' +
        `Send the call without Idempotency-Key, or retry after ${result.retry_after_s} s.`,
      retry_after_s: result.retry_after_s,
    });
  }
  if (result.has_same_body && result.first.end !== null && replay_window_s !== null) {
    call.replay = deps.replays.find(replay_key, replay_window_s);
    if (call.replay !== null) {
      answerAgain(call, result.first);
      return;
    }
  }
  throw refusalOf(call, result.first, result.has_same_body);
};

/** Keeps the response of a call that succeeds, to repeat it. */
const keepResponse = ({ replays, replay_limit_bytes }: GatewayDeps, call: Call, key: ReplayKey): void => {
  const own_headers = [call.protocol.error_format.request_id_header.toLowerCase()];
  const limits = { own_headers, max_bytes: replay_limit_bytes };
  call.client_response = recordResponse(call.client_response, call.ctx.res, limits, (sent) => {
    if (call.error === null) replays.keep(key, sent);
  });
};

/** The call executes nothing and costs nothing; its record names the first call. */
const answerAgain = (call: Call, { request_id }: FirstCall): void => {
  const decision = `repeats the response of ${request_id}`;
  call.route = { candidates: [], decision, routing_rule: null, rule_version: null };
  call.ctx.set('idempotent-replayed', 'true');
};

const keyOf = ({ ctx: { req } }: Call): string => {
  const [key, ...others] = req.headersDistinct[HEADER] ?? [];
  if (key !== undefined && others.length === 0 && KEY.test(key)) return key;
  throw new OneVaultError('invalid_request', {
    param: 'header.Idempotency-Key',
    details: 'The header Idempotency-Key must stand once and hold 1 to 255 printable ASCII characters. Correct it.',
  });
};

const factsOf = async (
  { idempotency_secret, log }: GatewayDeps,
  { ctx, body, request_id }: Call,
  customer: string,
  key: string,
): Promise<IdempotencyFacts> => {
  let secret: Buffer;
  try {
    secret = await idempotency_secret.get();
  } catch (cause) {
    log.warn({ err: cause, request_id }, 'a call with an Idempotency-Key is refused: its secret is not available');
    throw new OneVaultError('idempotency_unavailable', { cause, retry_after_s: RETRY_AFTER_S });
  }
  return hashRequest(secret, { customer, path: ctx.path, key, body, content_type: ctx.req.headers['content-type'] });
};

const refusalOf = ({ ctx }: Call, first: FirstCall, has_same_body: boolean): OneVaultError => {
  if (!has_same_body) {
    return new OneVaultError('idempotency_key_reused', {
      param: 'header.Idempotency-Key',
      context: { request_id: first.request_id },
    });
  }
  ctx.set('x-should-retry', String(first.end === null));
  if (first.end === null) {
    return new OneVaultError('request_in_progress', {
      retry_after_s: RETRY_AFTER_S,
      context: { request_id: first.request_id },
    });
  }
  const { response_status, http_status, prompt_tokens, completion_tokens, total_tokens, customer_cost } = first.end;
  return new OneVaultError('already_executed', {
    context: {
      request_id: first.request_id,
      received_at: instantOf(first.received_ms),
      status: response_status,
      http_status,
      usage: total_tokens === null ? null : { prompt_tokens, completion_tokens, total_tokens },
      cost: customer_cost === null ? null : usdFromPico(BigInt(customer_cost)),
    },
  });
};
