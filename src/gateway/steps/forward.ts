import { setTimeout as sleep } from 'node:timers/promises';
import { asOneVaultError, type ErrorCode, OneVaultError } from '../../core/errors.ts';
import type { ChatResponse, ProviderAdapter, UpstreamReply } from '../../providers/contract.ts';
import type { Call, CandidateOffer, Step } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';

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
  'rate_limit_exceeded',
  'unsupported_feature',
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
  const other = candidates.find(({ offer }) => offer.provider !== failed.offer.provider);
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
  call.produced_text = null;
  let http_status: number | null = null;
  let error: OneVaultError | null = null;
  try {
    const adapter = adapterOf(deps, provider);
    const reply = await send(deps, call, adapter, candidate);
    http_status = reply.status;
    await receive(call, adapter, reply, deps);
  } catch (thrown) {
    error = asOneVaultError(thrown);
    if (error.code === 'internal_error') throw error;
  }
  call.upstream_latency_ms = Math.max(0, deps.clock.now() - started_ms);
  call.attempts.push({
    provider,
    model,
    latency_ms: call.upstream_latency_ms,
    http_status,
    error_code: error?.code ?? null,
  });
  return error;
};

const adapterOf = (deps: GatewayDeps, provider: string): ProviderAdapter => {
  const protocol = deps.snapshot().providers.get(provider)?.protocol;
  const adapter = protocol === undefined ? undefined : deps.adapters[protocol];
  if (adapter === undefined)
    throw new OneVaultError('provider_unreachable', { details: 'It was switched off.' });
  return adapter;
};

const send = (
  { caller, upstreams }: GatewayDeps,
  call: Call,
  adapter: ProviderAdapter,
  candidate: CandidateOffer,
): Promise<UpstreamReply> => {
  const upstream = upstreams[candidate.offer.provider]!;
  const { chat, stream } = call.ask!;
  const target = {
    model: candidate.provider_model_name,
    stream,
    upstream,
    max_output_tokens: candidate.max_output_tokens,
  };
  return caller.call(upstream, adapter.request(chat, target), { signal: call.signal });
};

const receive = async (
  call: Call,
  adapter: ProviderAdapter,
  reply: UpstreamReply,
  deps: GatewayDeps,
): Promise<void> => {
  if (reply.status < 200 || reply.status > 299) {
    const { status, headers } = reply;
    const upstream = deps.upstreams[call.chosen!.offer.provider]!;
    throw adapter.error({ status, headers, body: await reply.text() }, upstream);
  }
  if (call.ask!.stream) return receiveStream(call, adapter, reply, deps);
  const response = adapter.response(await reply.text());
  call.response = response;
  call.usage = response.usage;
  call.produced_text = () => response.body.choices.map(({ message }) => textOf(message)).join('\n');
};

const textOf = ({ content, tool_calls }: ChatResponse['choices'][number]['message']): string =>
  (content ?? '') + (tool_calls ?? []).map((call) => JSON.stringify(call.function ?? '')).join('');

const receiveStream = async (
  call: Call,
  adapter: ProviderAdapter,
  reply: UpstreamReply,
  { clock }: GatewayDeps,
): Promise<void> => {
  const stream = adapter.stream({ include_usage: call.ask!.include_usage });
  call.produced_text = () => stream.text();
  try {
    for await (const events of reply.events()) {
      let text = '';
      for (const event of events) for (const chunk of stream.push(event)) text += call.protocol.frame(chunk);
      if (text === '') continue;
      call.time_to_first_token_ms ??= Math.max(0, clock.now() - call.received_ms);
      await call.reply.write(text);
    }
    stream.end();
  } finally {
    call.usage = stream.usage;
  }
};
