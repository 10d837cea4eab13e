import { OneVaultError } from '../core/errors.ts';
import type { Caller, ProviderAdapter, Upstream, UpstreamResponse } from './contract.ts';

// A person with a form waits for this. The list of every model of the largest broker has 1 MB.
const WAIT_MS = 10_000;
const MAX_RESPONSE_BYTES = 8 * 2 ** 20;
const LIMITS: Upstream['limits'] = {
  headers_timeout_ms: WAIT_MS,
  idle_timeout_ms: WAIT_MS,
  total_timeout_ms: WAIT_MS,
  max_response_bytes: MAX_RESPONSE_BYTES,
  max_stream_bytes: MAX_RESPONSE_BYTES,
  max_event_bytes: MAX_RESPONSE_BYTES,
};

/**
 * Checks that a provider accepts a key, by the cheapest call that requires one.
 * @throws OneVaultError provider_key_refused with the provider's own message, or the fault that prevents the check:
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
      details: 'The gateway cannot check keys of this provider, so it does not store them.',
    });
  }
  const bounded = { ...upstream, limits: LIMITS };
  const response = await caller.call(bounded, adapter.probe(bounded));
  if (response.status >= 200 && response.status < 300) return refuseOther(await response.text());
  throw await refusalOf(adapter, bounded, response);
};

const refusalOf = async (
  adapter: ProviderAdapter,
  upstream: Upstream,
  response: UpstreamResponse,
): Promise<OneVaultError> => {
  const { status, headers } = response;
  const error = adapter.error({ status, headers, body: await response.text() }, upstream);
  const is_temporary = status >= 500 || status === 408 || status === 429;
  return is_temporary ? error : keyRefused(error.details, error);
};

/** The error for the owner of a key that the provider refuses. */
export const keyRefused = (details: string | null, cause: unknown): OneVaultError =>
  new OneVaultError('provider_key_refused', { cause, ...(details === null ? {} : { details }) });

/** Refuses a response that is not JSON: a web page responds 200 to any request, but accepts no key. */
const refuseOther = (text: string): void => {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null) return;
  } catch {
    // Handled below.
  }
  throw keyRefused(
    'The server at base_url does not implement the protocol of the provider: its list of models is not JSON. Correct base_url.',
    null,
  );
};
