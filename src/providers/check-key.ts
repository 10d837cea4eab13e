import { OneVaultError } from '../core/errors.ts';
import type { Caller, ProviderAdapter, Upstream, UpstreamResponse } from './contract.ts';

// Whoever waits for this has a form before them; a list of every model of the largest broker has 1 MB.
const WAIT_MS = 10_000;
const MAX_REPLY_BYTES = 8 * 2 ** 20;
const LIMITS: Upstream['limits'] = {
  headers_timeout_ms: WAIT_MS,
  idle_timeout_ms: WAIT_MS,
  total_timeout_ms: WAIT_MS,
  max_reply_bytes: MAX_REPLY_BYTES,
  max_stream_bytes: MAX_REPLY_BYTES,
  max_event_bytes: MAX_REPLY_BYTES,
};

/**
 * Asks a provider whether it accepts a key, by the cheapest call that needs one.
 * @throws OneVaultError provider_key_refused with the provider's own words, or what keeps us from asking:
 * provider_unreachable, provider_timeout, provider_rate_limited, provider_error and the like
 */
export const checkKey = async (
  caller: Caller,
  adapter: ProviderAdapter,
  upstream: Omit<Upstream, 'limits'>,
): Promise<void> => {
  if (adapter.probe === undefined) {
    throw new OneVaultError('invalid_request', {
      param: 'provider',
      details: 'Keys of this provider cannot be checked, so they are not taken.',
    });
  }
  const bounded = { ...upstream, limits: LIMITS };
  const reply = await caller.call(bounded, adapter.probe(bounded));
  if (reply.status >= 200 && reply.status < 300) return refuseOther(await reply.text());
  throw await refusalOf(adapter, bounded, reply);
};

const refusalOf = async (
  adapter: ProviderAdapter,
  upstream: Upstream,
  reply: UpstreamResponse,
): Promise<OneVaultError> => {
  const { status, headers } = reply;
  const error = adapter.error({ status, headers, body: await reply.text() }, upstream);
  const is_for_now = status >= 500 || status === 408 || status === 429;
  return is_for_now ? error : keyRefused(error.details, error);
};

/** The provider's refusal of a key, as its owner is told of it. */
export const keyRefused = (details: string | null, cause: unknown): OneVaultError =>
  new OneVaultError('provider_key_refused', { cause, ...(details === null ? {} : { details }) });

/** A page for people answers 200 to anything: it accepts no key. */
const refuseOther = (text: string): void => {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null) return;
  } catch {
    // Told below.
  }
  throw keyRefused(
    'What answers at base_url does not speak the protocol of the provider: its list of models is no JSON.',
    null,
  );
};
