import { setTimeout as sleep } from 'node:timers/promises';
import { asOneVaultError, type ErrorCode, OneVaultError } from '../../core/errors.ts';
import { keyRefused } from '../../providers/check-key.ts';
import type { ProviderAdapter, Upstream, UpstreamResponse } from '../../providers/contract.ts';
import { isEventStream } from '../../providers/transport/response-form.ts';
import { createUnsupportedFields } from '../../providers/unsupported-fields.ts';
import type { UpstreamExchange } from '../ai/operation.ts';
import { passThrough } from '../ai/passthrough.ts';
import { receiveChunks } from '../ai/receive-chunks.ts';
import { receiveStream } from '../ai/receive-stream.ts';
import type { Call, Candidate, Step } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';
import { adapterOf } from '../routing/candidates.ts';
import { isCurrentKey, upstreamOf } from '../routing/credentials.ts';

// The first choice and one failover. A third attempt would take more of the client's time than an error does.
const MAX_ATTEMPTS = 2;
// Long enough for a provider's load balancer to choose another machine. Jitter spreads the retries.
const RETRY_DELAY_MS = 50;

/** Errors after which another provider may succeed, or the same one a moment later. */
const RETRYABLE: ReadonlySet<ErrorCode> = new Set([
  'provider_unreachable',
  'provider_disconnected',
  'provider_error',
  'provider_malformed',
]);
/** Errors after which only another provider may succeed. */
const FAILOVER_ONLY: ReadonlySet<ErrorCode> = new Set([
  'provider_timeout',
  'provider_rate_limited',
  'unsupported_feature',
  'provider_key_refused',
  'provider_key_unavailable',
]);

/** Sends the call to its first candidate, and once more if the client has received nothing yet. */
export const forward =
  (deps: GatewayDeps): Step =>
  async (call) => {
    let candidate = call.route!.candidates[0]!;
    for (let attempt = 1; ; attempt += 1) {
      const error = await tryCandidate(deps, call, candidate);
      if (error === null) return;
      const next = nextCandidate(call.route!.candidates, candidate, error);
      if (attempt === MAX_ATTEMPTS || call.client_response.has_started || next === null) throw error;
      if (next.deployment.provider === candidate.deployment.provider) await sleep(RETRY_DELAY_MS * (1 + Math.random()));
      candidate = next;
    }
  };

/** Next candidate: the best of another provider, else the same one if the error is transient. */
const nextCandidate = (candidates: readonly Candidate[], failed: Candidate, error: OneVaultError): Candidate | null => {
  const other = candidates.find(
    ({ deployment, provider_key }) =>
      deployment.provider !== failed.deployment.provider ||
      (provider_key === null && failed.provider_key !== null && error.code !== 'unsupported_feature'),
  );
  if (RETRYABLE.has(error.code)) return other ?? failed;
  return FAILOVER_ONLY.has(error.code) ? (other ?? null) : null;
};

const tryCandidate = async (deps: GatewayDeps, call: Call, candidate: Candidate): Promise<OneVaultError | null> => {
  const { provider, model } = candidate.deployment;
  const started_ms = deps.clock.now();
  call.chosen = candidate;
  call.usage = null;
  call.response = null;
  call.encoder = null;
  let http_status: number | null = null;
  let error: OneVaultError | null = null;
  try {
    const adapter = adapterOf(deps, candidate.deployment);
    if (adapter === null) throw new OneVaultError('provider_unreachable', { details: 'The provider is switched off.' });
    if (candidate.provider_key !== null && !isCurrentKey(deps.snapshot(), candidate.provider_key))
      throw keyRefused('The key was revoked or replaced during the call.', null);
    const upstream = await upstreamOf(deps, candidate);
    const exchange = exchangeWith(call, adapter, candidate, upstream);
    if (exchange === null) {
      call.response = await call.parsed!.operation.ownResponse();
      return null;
    }
    const response = await deps.caller.call(upstream, exchange.request, { signal: call.signal });
    http_status = response.status;
    if (response.status < 200 || response.status > 299) throw await errorOf(adapter, upstream, candidate, response);
    await receive(deps, call, exchange, response);
  } catch (thrown) {
    error = asOneVaultError(thrown);
  }
  call.upstream_latency_ms = Math.max(0, deps.clock.now() - started_ms);
  call.attempts.push({
    provider,
    model,
    latency_ms: call.upstream_latency_ms,
    http_status,
    error_code: error?.code ?? null,
    provider_key: candidate.provider_key?.provider_key ?? null,
    ...(candidate.byok === null ? {} : { customers_own: candidate.byok }),
  });
  if (error?.code === 'internal_error') throw error;
  return error;
};

/**
 * Passthrough if the provider speaks the client's protocol, else a translation; null if the gateway responds itself.
 */
const exchangeWith = (
  call: Call,
  adapter: ProviderAdapter,
  candidate: Candidate,
  upstream: Upstream,
): UpstreamExchange | null => {
  const { protocol_name } = call.protocol;
  const parsed = call.parsed!;
  const { headers } = call.ctx.req;
  const target = {
    model: candidate.provider_model_name,
    stream: parsed.stream,
    upstream,
    max_output_tokens: candidate.max_output_tokens,
  };
  const passthrough = protocol_name === null ? undefined : adapter.passthroughs[protocol_name];
  const unsupported = createUnsupportedFields(allowsUnsupported(call));
  const exchange =
    passthrough === undefined
      ? parsed.operation.translate(adapter, target, unsupported)
      : passThrough(passthrough, {
          parsed,
          content: parsed.contentFor?.(target.model) ?? call.content,
          headers,
          target,
          unsupported,
        });
  listUnsupported(call, unsupported.paths);
  return exchange;
};

/** "allow" lets fields that the provider's protocol cannot express be left out; the response lists their paths. */
const UNSUPPORTED_FIELDS = 'x-onevault-unsupported-fields';
/** The header's first name, read until the next major version. */
const DEPRECATED_NAME = 'x-onevault-lossy';
// 1 December 2026, as RFC 9745 writes it.
const DEPRECATED_SINCE = '@1796083200';
// Proxies limit one header to 4 KiB, or all headers to 8 KiB.
const PATHS_MAX_CHARS = 2_000;

/**
 * True if the client allows fields to be left out. A client that uses the header's old name gets a deprecation warning.
 */
const allowsUnsupported = ({ ctx }: Call): boolean => {
  const { headers } = ctx.req;
  if (headers[DEPRECATED_NAME] !== undefined) ctx.set('deprecation', DEPRECATED_SINCE);
  return headers[UNSUPPORTED_FIELDS] === 'allow' || headers[DEPRECATED_NAME] === 'allow';
};

const listUnsupported = ({ ctx }: Call, paths: readonly string[]): void => {
  ctx.remove(UNSUPPORTED_FIELDS);
  ctx.remove(DEPRECATED_NAME);
  if (paths.length === 0) return;
  const text = pathList(paths);
  ctx.set(UNSUPPORTED_FIELDS, text);
  if (ctx.req.headers[DEPRECATED_NAME] !== undefined) ctx.set(DEPRECATED_NAME, text);
};

/** Clients choose the names of unknown fields, so characters that no header may hold are percent-encoded. */
const pathList = (paths: readonly string[]): string => {
  const encoded = paths.map((path) => path.toWellFormed().replace(/[^\w.[\]-]+/g, encodeURIComponent));
  const list = encoded.join(', ');
  return list.length <= PATHS_MAX_CHARS ? list : `${list.slice(0, list.lastIndexOf(',', PATHS_MAX_CHARS))}, ...`;
};

const receive = async (
  deps: GatewayDeps,
  call: Call,
  exchange: UpstreamExchange,
  response: UpstreamResponse,
): Promise<void> => {
  const { bytes } = exchange;
  if (bytes !== undefined && !isEventStream(response.headers)) {
    if ('chunks' in bytes) return receiveChunks(deps, call, bytes.chunks(response.headers), response);
    call.response = bytes.whole(await response.bytes(), response.headers);
  } else {
    if (call.parsed!.stream) return receiveStream(deps, call, exchange, response);
    call.response = exchange.whole(await response.text());
  }
  call.usage = call.response.usage;
  if (call.response.broken != null) throw call.response.broken;
};

// Statuses that concern the key's account: the customer who owns the key can act on them, the operator cannot.
const ACCOUNT_STATUSES: ReadonlySet<number> = new Set([401, 402, 403]);

const errorOf = async (
  adapter: ProviderAdapter,
  upstream: Upstream,
  { provider_key }: Candidate,
  response: UpstreamResponse,
): Promise<OneVaultError> => {
  const { status, headers } = response;
  const error = adapter.error({ status, headers, body: await errorBody(response) }, upstream);
  return provider_key !== null && ACCOUNT_STATUSES.has(status) ? keyRefused(error.details, error) : error;
};

// An error body is short. A longer one is a page of HTML, which holds no reason.
const ERROR_BODY_MAX_BYTES = 65_536;

/** Body of a provider's error response; '' if it cannot be read, because the status is enough. */
const errorBody = async (response: UpstreamResponse): Promise<string> => {
  try {
    return await response.text(ERROR_BODY_MAX_BYTES);
  } catch (error) {
    if (asOneVaultError(error).code === 'client_closed_request') throw error;
    return '';
  }
};
