import type { CurrentSnapshot } from '../catalog/snapshot.ts';
import type { KeyEndpoint } from '../gateway/deps.ts';
import type { Upstream, UpstreamLimits } from '../providers/contract.ts';
import type { AddressGuard } from '../providers/transport/address-guard.ts';
import type { Endpoints } from './compose.ts';
import type { Config, ProviderConfig } from './config.ts';

// Not a word of a sentence: if a provider repeats its key in an error, clients see "[key]".
const SANDBOX_KEY = 'sk-of-the-sandbox';

interface EndpointsInput {
  readonly config: Config;
  readonly snapshot: CurrentSnapshot;
  readonly guard: AddressGuard;
  /** Null without a sandbox. */
  readonly sandbox_url: string | null;
}

/** The addresses from the configuration and the catalog. */
export const chooseEndpoints = ({ config, snapshot, guard, sandbox_url }: EndpointsInput): Endpoints => ({
  upstreams: chooseUpstreams(config, snapshot, sandbox_url),
  key_endpoint: chooseKeyEndpoint(config, snapshot, guard),
});

/**
 * Address of each provider: the service itself if its key or address is configured, else the sandbox;
 * the sandbox has no compatible providers.
 */
const chooseUpstreams = (
  config: Config,
  snapshot: CurrentSnapshot,
  sandbox_url: string | null,
): Readonly<Record<string, Upstream>> => {
  const limits = limitsOf(config);
  const upstreams: Record<string, Upstream> = {};
  for (const [provider, { protocol, api_endpoint }] of snapshot().providers) {
    const configured = configOf(config, provider);
    if (configured === undefined) continue;
    if (configured.api_key !== null || configured.base_url !== null) {
      const base_url = configured.base_url ?? api_endpoint;
      upstreams[provider] = { base_url, api_key: configured.api_key ?? '', limits };
    } else if (sandbox_url !== null && Object.hasOwn(config.providers, provider)) {
      const base_url = protocol === 'openai' ? `${sandbox_url}/v1` : sandbox_url;
      upstreams[provider] = { base_url, api_key: SANDBOX_KEY, limits };
    }
  }
  return upstreams;
};

/**
 * Address for calls with customers' own keys: the service itself, or its configured address. The default address of
 * a self-hosted server must not get a customer's key.
 */
const chooseKeyEndpoint = (config: Config, snapshot: CurrentSnapshot, guard: AddressGuard): KeyEndpoint => ({
  limits: limitsOf(config),
  baseUrlOf: (provider) => {
    const { api_endpoint } = snapshot().providers.get(provider) ?? { api_endpoint: '' };
    return configOf(config, provider)?.base_url ?? (isPublic(guard, api_endpoint) ? api_endpoint : null);
  },
});

const isPublic = (guard: AddressGuard, address: string): boolean => {
  try {
    guard.checkUrl(address);
    return true;
  } catch {
    return false;
  }
};

const limitsOf = (config: Config): UpstreamLimits => ({
  headers_timeout_ms: config.provider_timeout_ms,
  idle_timeout_ms: config.provider_timeout_ms,
  total_timeout_ms: config.provider_total_timeout_ms,
  max_response_bytes: config.provider_response_limit_bytes,
  max_stream_bytes: config.provider_stream_limit_bytes,
  max_event_bytes: config.provider_event_limit_bytes,
});

/** By the provider's own name, never by its protocol, so that a key is sent only to its own provider. */
const configOf = ({ providers, compatible_providers }: Config, provider: string) =>
  new Map(Object.entries<ProviderConfig>({ ...providers, ...compatible_providers })).get(provider);

/** True if the sandbox serves at least one provider. */
export const needsSandbox = ({ providers }: Config): boolean =>
  Object.values(providers).some(({ api_key, base_url }) => api_key === null && base_url === null);
