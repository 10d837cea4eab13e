import { setTimeout as sleep } from 'node:timers/promises';
import { asOneVaultError, type ErrorCode, OneVaultError } from '../../core/errors.ts';
import { keyRefused } from '../../providers/check-key.ts';
import type { ProviderAdapter, Upstream, UpstreamResponse } from '../../providers/contract.ts';
import { createUnsupportedFields } from '../../providers/unsupported-fields.ts';
import type { UpstreamExchange } from '../ai/operation.ts';
import { passThrough } from '../ai/passthrough.ts';
import { receiveStream } from '../ai/receive-stream.ts';
import type { Call, Candidate, Step } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';
import { adapterOf } from '../routing/candidates.ts';
import { isHeld, upstreamOf } from '../routing/credentials.ts';

// The first choice and one failover: a third try would keep the client longer than an error does.
const MAX_ATTEMPTS = 2;
// Long enough for a provider's balancer to pick another of its machines; the jitter keeps retries apart.
const RETRY_DELAY_MS = 50;

/** What another provider, or the same a moment later, may do better. */
const WORTH_ANOTHER: ReadonlySet<ErrorCode> = new Set([
  'provider_unreachable',
  'provider_disconnected',
  'provider_error',
  'provider_malformed',
]);
/** What only another provider may do better. */
const WORTH_ANOTHER_PROVIDER: ReadonlySet<ErrorCode> = new Set([
  'provider_timeout',
  'provider_rate_limited',
  'unsupported_feature',
  'provider_key_refused',
  'provider_key_unavailable',
]);

/** Sends the call to its first candidate, and once more while the client has seen nothing of a reply. */
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

/** The best of another provider; where there is none, the same once more if that may help. */
const nextCandidate = (candidates: readonly Candidate[], failed: Candidate, error: OneVaultError): Candidate | null => {
  const other = candidates.find(
    ({ deployment, provider_key }) =>
      deployment.provider !== failed.deployment.provider ||
      (provider_key === null && failed.provider_key !== null && error.code !== 'unsupported_feature'),
  );
  if (WORTH_ANOTHER.has(error.code)) return other ?? failed;
  return WORTH_ANOTHER_PROVIDER.has(error.code) ? (other ?? null) : null;
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
    if (adapter === null) throw new OneVaultError('provider_unreachable', { details: 'It was switched off.' });
    if (candidate.provider_key !== null && !isHeld(deps.snapshot(), candidate.provider_key))
      throw keyRefused('It was revoked or replaced while the call was under way.', null);
    const upstream = await upstreamOf(deps, candidate);
    const exchange = exchangeWith(call, adapter, candidate, upstream);
    if (exchange === null) {
      call.response = await call.parsed!.operation.ownResponse();
      return null;
    }
    const response = await deps.caller.call(upstream, exchange.request, { signal: call.signal });
    http_status = response.status;
    if (response.status < 200 || response.status > 299) throw await refusalOf(adapter, upstream, candidate, response);
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

/** Untouched where the provider speaks the client's own wire, else translated; null where we answer ourselves. */
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
      : passThrough(passthrough, { parsed, text: call.text, headers, target, unsupported });
  listUnsupported(call, unsupported.lost);
  return exchange;
};

/** "allow" lets fields that the provider's protocol cannot express be left out; the response lists their paths. */
const UNSUPPORTED_FIELDS = 'x-onevault-unsupported-fields';
/** The header's first name, read until the next major version. */
const DEPRECATED_NAME = 'x-onevault-lossy';
// 1 December 2026, as RFC 9745 writes it.
const DEPRECATED_SINCE = '@1796083200';
// Below the limit of proxies for one header, 4 KiB or 8 KiB for all of them.
const PATHS_MAX_CHARS = 2_000;

/** Whether the client allows fields to be left out. A client that uses the old name of the header is warned. */
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

/** Clients choose the names of unknown fields: characters that no header may hold are percent-encoded. */
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
  if (call.parsed!.stream) return receiveStream(deps, call, exchange, response);
  call.response = exchange.whole(await response.text());
  call.usage = call.response.usage;
  if (call.response.broken != null) throw call.response.broken;
};

// What a provider says of the account that a key belongs to: its owner can mend it, the operator cannot.
const OF_THE_ACCOUNT: ReadonlySet<number> = new Set([401, 402, 403]);

const refusalOf = async (
  adapter: ProviderAdapter,
  upstream: Upstream,
  { provider_key }: Candidate,
  response: UpstreamResponse,
): Promise<OneVaultError> => {
  const { status, headers } = response;
  const error = adapter.error({ status, headers, body: await refusalText(response) }, upstream);
  return provider_key !== null && OF_THE_ACCOUNT.has(status) ? keyRefused(error.details, error) : error;
};

// A refusal is a sentence; a page of HTML with its scripts is not read for one.
const REFUSAL_MAX_BYTES = 65_536;

/** The body of a refusal, '' where it cannot be had: its status says enough. */
const refusalText = async (response: UpstreamResponse): Promise<string> => {
  try {
    return await response.text(REFUSAL_MAX_BYTES);
  } catch (error) {
    if (asOneVaultError(error).code === 'client_closed_request') throw error;
    return '';
  }
};
