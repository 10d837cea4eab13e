import { setTimeout as sleep } from 'node:timers/promises';
import { asOneVaultError, type ErrorCode, OneVaultError } from '../../core/errors.ts';
import { keyRefused } from '../../providers/check-key.ts';
import type { ProviderAdapter, Upstream, UpstreamReply } from '../../providers/contract.ts';
import { createLosses } from '../../providers/unsupported-fields.ts';
import type { Dialogue } from '../ai/operation.ts';
import { pass } from '../ai/passthrough.ts';
import { receiveStream } from '../ai/receive-stream.ts';
import type { Call, CandidateOffer, Step } from '../call.ts';
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
      if (attempt === MAX_ATTEMPTS || call.reply.has_started || next === null) throw error;
      if (next.offer.provider === candidate.offer.provider) await sleep(RETRY_DELAY_MS * (1 + Math.random()));
      candidate = next;
    }
  };

/** The best of another provider; where there is none, the same once more if that may help. */
const nextCandidate = (
  candidates: readonly CandidateOffer[],
  failed: CandidateOffer,
  error: OneVaultError,
): CandidateOffer | null => {
  const other = candidates.find(
    ({ offer, provider_key }) =>
      offer.provider !== failed.offer.provider ||
      (provider_key === null && failed.provider_key !== null && error.code !== 'unsupported_feature'),
  );
  if (WORTH_ANOTHER.has(error.code)) return other ?? failed;
  return WORTH_ANOTHER_PROVIDER.has(error.code) ? (other ?? null) : null;
};

const tryCandidate = async (
  deps: GatewayDeps,
  call: Call,
  candidate: CandidateOffer,
): Promise<OneVaultError | null> => {
  const { provider, model } = candidate.offer;
  const started_ms = deps.clock.now();
  call.chosen = candidate;
  call.usage = null;
  call.answer = null;
  call.frames = null;
  let http_status: number | null = null;
  let error: OneVaultError | null = null;
  try {
    const adapter = adapterOf(deps, candidate.offer);
    if (adapter === null) throw new OneVaultError('provider_unreachable', { details: 'It was switched off.' });
    if (candidate.provider_key !== null && !isHeld(deps.snapshot(), candidate.provider_key))
      throw keyRefused('It was revoked or replaced while the call was under way.', null);
    const upstream = await upstreamOf(deps, candidate);
    const dialogue = dialogueWith(call, adapter, candidate, upstream);
    if (dialogue === null) {
      call.answer = await call.ask!.work.answer();
      return null;
    }
    const reply = await deps.caller.call(upstream, dialogue.request, { signal: call.signal });
    http_status = reply.status;
    if (reply.status < 200 || reply.status > 299) throw await refusalOf(adapter, upstream, candidate, reply);
    await receive(deps, call, dialogue, reply);
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
    ...(candidate.customers_own === null ? {} : { customers_own: candidate.customers_own }),
  });
  if (error?.code === 'internal_error') throw error;
  return error;
};

/** Untouched where the provider speaks the client's own wire, else translated; null where we answer ourselves. */
const dialogueWith = (
  call: Call,
  adapter: ProviderAdapter,
  candidate: CandidateOffer,
  upstream: Upstream,
): Dialogue | null => {
  const { wire } = call.protocol;
  const ask = call.ask!;
  const { headers } = call.ctx.req;
  const target = {
    model: candidate.provider_model_name,
    stream: ask.stream,
    upstream,
    max_output_tokens: candidate.max_output_tokens,
  };
  call.ctx.remove(LOSSY);
  const passage = wire === null ? undefined : adapter.passages[wire];
  const losses = createLosses(headers[LOSSY] === 'allow');
  const dialogue =
    passage === undefined
      ? ask.work.translate(adapter, target, losses)
      : pass(passage, { ask, text: call.text, headers, target, losses });
  if (losses.lost.length > 0) call.ctx.set(LOSSY, lossyHeader(losses.lost));
  return dialogue;
};

/** Asks for a reply though fields are lost; in the reply, the paths of those that were. */
const LOSSY = 'x-onevault-lossy';
// Below what proxies take of a header, which is 4 KiB or 8 KiB for all of them.
const LOSSY_MAX_CHARS = 2_000;

/** A list of paths. Clients choose the names of unknown fields: what no header may hold is percent-encoded. */
const lossyHeader = (paths: readonly string[]): string => {
  const encoded = paths.map((path) => path.toWellFormed().replace(/[^\w.[\]-]+/g, encodeURIComponent));
  const list = encoded.join(', ');
  return list.length <= LOSSY_MAX_CHARS ? list : `${list.slice(0, list.lastIndexOf(',', LOSSY_MAX_CHARS))}, ...`;
};

const receive = async (deps: GatewayDeps, call: Call, dialogue: Dialogue, reply: UpstreamReply): Promise<void> => {
  if (call.ask!.stream) return receiveStream(deps, call, dialogue, reply);
  call.answer = dialogue.whole(await reply.text());
  call.usage = call.answer.usage;
  if (call.answer.broken != null) throw call.answer.broken;
};

// What a provider says of the account that a key belongs to: its owner can mend it, the operator cannot.
const OF_THE_ACCOUNT: ReadonlySet<number> = new Set([401, 402, 403]);

const refusalOf = async (
  adapter: ProviderAdapter,
  upstream: Upstream,
  { provider_key }: CandidateOffer,
  reply: UpstreamReply,
): Promise<OneVaultError> => {
  const { status, headers } = reply;
  const error = adapter.error({ status, headers, body: await refusalText(reply) }, upstream);
  return provider_key !== null && OF_THE_ACCOUNT.has(status) ? keyRefused(error.details, error) : error;
};

// A refusal is a sentence; a page of HTML with its scripts is not read for one.
const REFUSAL_MAX_BYTES = 65_536;

/** The body of a refusal, '' where it cannot be had: its status says enough. */
const refusalText = async (reply: UpstreamReply): Promise<string> => {
  try {
    return await reply.text(REFUSAL_MAX_BYTES);
  } catch (error) {
    if (asOneVaultError(error).code === 'client_closed_request') throw error;
    return '';
  }
};
