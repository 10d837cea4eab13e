import { OneVaultError } from '../core/errors.ts';
import type { GatewayDeps } from '../gateway/deps.ts';
import { adapterOf } from '../gateway/routing/candidates.ts';
import type { ProviderKeyCheck } from '../modules/provider-key-check.ts';
import { checkKey } from '../providers/check-key.ts';
import type { AddressGuard } from '../providers/transport/address-guard.ts';

type KeyCheckDeps = Pick<GatewayDeps, 'snapshot' | 'adapters' | 'caller' | 'key_endpoint'> & {
  readonly guard: AddressGuard;
};

/** Checks keys at their providers, with the address and the connection of their calls. */
export const createKeyCheck =
  (deps: KeyCheckDeps): ProviderKeyCheck =>
  async ({ provider, api_key, base_url }) => {
    const adapter = adapterOf(deps, { provider });
    if (adapter === null) {
      throw new OneVaultError('invalid_request', {
        param: 'provider',
        details: `${provider} is switched off.`,
      });
    }
    if (base_url !== null) deps.guard.checkUrl(base_url);
    const address = base_url ?? deps.key_endpoint.baseUrlOf(provider);
    if (address === null) {
      throw new OneVaultError('invalid_request', {
        param: 'base_url',
        details: `${provider} has no address that all its customers share: give base_url.`,
      });
    }
    try {
      await checkKey(deps.caller, adapter, { base_url: address, api_key, is_guarded: base_url !== null });
    } catch (error) {
      throw unreachable(error) ? checkFailed(base_url === null ? provider : 'what base_url names', error) : error;
    }
  };

const unreachable = (error: unknown): boolean =>
  error instanceof OneVaultError && error.code === 'provider_unreachable' && error.details === null;

const checkFailed = (checked: string, cause: unknown): OneVaultError =>
  new OneVaultError('provider_unreachable', {
    details: `A key is stored once its provider has accepted it, and ${checked} cannot be reached from here.`,
    cause,
  });
