import type { CurrentSnapshot } from '../control/snapshot.ts';
import type { Config } from '../core/config.ts';
import type { Upstream, UpstreamLimits } from '../providers/contract.ts';

// A reply that is not streamed is held whole: more than any model writes today, pictures included.
const MAX_REPLY_BYTES = 64 * 2 ** 20;
// A reply that takes longer is not waited for, however steadily it comes.
const TOTAL_TIMEOUT_MS = 1_800_000;

/** Where each provider is reached: the service itself once a key or an address of it is configured, else the sandbox. */
export const chooseUpstreams = (
  config: Config,
  snapshot: CurrentSnapshot,
  sandbox_url: string | null,
): Readonly<Record<string, Upstream>> => {
  const limits: UpstreamLimits = {
    headers_timeout_ms: config.provider_timeout_ms,
    idle_timeout_ms: config.provider_timeout_ms,
    total_timeout_ms: Math.max(TOTAL_TIMEOUT_MS, config.provider_timeout_ms),
    max_reply_bytes: MAX_REPLY_BYTES,
  };
  const upstreams: Record<string, Upstream> = {};
  for (const [provider, { protocol, api_endpoint }] of snapshot().providers) {
    const configured = config.providers[protocol];
    if (configured.api_key !== null || configured.base_url !== null) {
      const base_url = configured.base_url ?? api_endpoint;
      upstreams[provider] = { base_url, api_key: configured.api_key ?? '', limits };
    } else if (sandbox_url !== null) {
      const base_url = protocol === 'openai' ? `${sandbox_url}/v1` : sandbox_url;
      upstreams[provider] = { base_url, api_key: 'sandbox', limits };
    }
  }
  return upstreams;
};

/** Whether any provider is left to the sandbox. */
export const needsSandbox = ({ providers }: Config): boolean =>
  Object.values(providers).some(({ api_key, base_url }) => api_key === null && base_url === null);
