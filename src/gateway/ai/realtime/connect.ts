import { asOneVaultError, type ErrorCode, OneVaultError } from '../../../core/errors.ts';
import { keyRefused } from '../../../providers/check-key.ts';
import type { RealtimeProtocol, Upstream, UpstreamLimits } from '../../../providers/contract.ts';
import type { HandshakeRefusal, OpenedWebSocket } from '../../../providers/transport/web-sockets.ts';
import type { Call, Candidate } from '../../call.ts';
import type { GatewayDeps } from '../../deps.ts';
import { adapterOf } from '../../routing/candidates.ts';
import { isCurrentKey, upstreamOf } from '../../routing/credentials.ts';
import type { Handshake } from './handshake.ts';

/** A connection to a provider that accepted the session. */
export interface Connection extends OpenedWebSocket {
  readonly protocol: RealtimeProtocol;
  readonly limits: UpstreamLimits;
}

/** Errors after which another candidate is tried. */
const RETRIABLE: ReadonlySet<ErrorCode> = new Set([
  'provider_unreachable',
  'provider_disconnected',
  'provider_error',
  'provider_malformed',
  'provider_timeout',
  'provider_rate_limited',
  'provider_key_refused',
  'provider_key_unavailable',
]);

// The same limit as for other calls: a third attempt would delay the error too long.
const MAX_ATTEMPTS = 2;

/**
 * Opens the session with the first candidate that accepts it.
 * @throws OneVaultError of the last candidate that was tried
 */
export const connect = async (deps: GatewayDeps, call: Call, handshake: Handshake): Promise<Connection> => {
  let failure = new OneVaultError('provider_unreachable');
  for (const candidate of call.route!.candidates.slice(0, MAX_ATTEMPTS)) {
    const connection = await tryCandidate(deps, call, candidate, handshake);
    if (!(connection instanceof OneVaultError)) return connection;
    failure = connection;
    if (!RETRIABLE.has(failure.code)) break;
  }
  throw failure;
};

const tryCandidate = async (
  deps: GatewayDeps,
  call: Call,
  candidate: Candidate,
  handshake: Handshake,
): Promise<Connection | OneVaultError> => {
  const { provider, model } = candidate.deployment;
  const started_ms = deps.clock.now();
  call.chosen = candidate;
  let http_status: number | null = null;
  let result: Connection | OneVaultError;
  try {
    const { protocol, upstream, opened } = await open(deps, call, candidate, handshake);
    http_status = 'refusal' in opened ? opened.refusal.status : SWITCHED;
    result =
      'refusal' in opened
        ? refusalOf(deps, candidate, upstream, opened.refusal)
        : { ...opened, protocol, limits: upstream.limits };
  } catch (thrown) {
    result = asOneVaultError(thrown);
  }
  const error = result instanceof OneVaultError ? result : null;
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
  return result;
};

const SWITCHED = 101;

const open = async (deps: GatewayDeps, call: Call, candidate: Candidate, { subprotocols }: Handshake) => {
  const protocol = adapterOf(deps, candidate.deployment)?.realtime;
  if (protocol === undefined)
    throw new OneVaultError('provider_unreachable', { details: 'The provider was switched off.' });
  if (candidate.provider_key !== null && !isCurrentKey(deps.snapshot(), candidate.provider_key))
    throw keyRefused('It was revoked or replaced while the session was opened.', null);
  const upstream = await upstreamOf(deps, candidate);
  const request = protocol.request({ model: candidate.provider_model_name, upstream }, call.ctx.req.headers);
  const { message_max_bytes } = deps.realtime;
  const opened = await deps.openWebSocket(upstream, { ...request, subprotocols, message_max_bytes }, call.signal);
  return { protocol, upstream, opened };
};

// Refusals of the key's account. The owner of the key can fix them, the operator cannot.
const ACCOUNT_STATUS: ReadonlySet<number> = new Set([401, 402, 403]);

const refusalOf = (
  deps: GatewayDeps,
  { deployment, provider_key }: Candidate,
  upstream: Upstream,
  refusal: HandshakeRefusal,
): OneVaultError => {
  // A success or a redirect is not a valid answer to an upgrade.
  if (refusal.status < 400) return new OneVaultError('provider_malformed', { details: NO_WEBSOCKET });
  const error = adapterOf(deps, deployment)!.error(refusal, upstream);
  return provider_key !== null && ACCOUNT_STATUS.has(refusal.status) ? keyRefused(error.details, error) : error;
};

const NO_WEBSOCKET = 'The provider answered, but opened no WebSocket.';
