import { sealContextOf } from '../../catalog/snapshot.ts';
import { instantOf } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import { invalidField } from '../../http/faults.ts';
import { keyIdOf } from '../../keys/sealed.ts';
import type { Content } from '../../vault/rows.ts';
import type { ControlDeps } from '../deps.ts';

type Sealed = Pick<Content<'customer_provider_keys_s'>, 'api_key_encrypted' | 'encryption_key_id' | 'last_validated'>;

interface OwnedKey {
  readonly customer: string;
  readonly id: string;
  readonly provider: string;
  readonly base_url: string | null;
}

/** Checks a key at its provider, and seals it for its row. @throws OneVaultError as `checkProviderKey` does */
export const checkAndSeal = async (
  deps: ControlDeps,
  { customer, id, ...wanted }: OwnedKey & { readonly api_key: string },
): Promise<Sealed> => {
  await check(deps, wanted);
  const context = sealContextOf({ customer, provider_key: id });
  const sealed = await deps.keyring.seal(Buffer.from(wanted.api_key), context);
  return {
    api_key_encrypted: sealed.toString('hex'),
    encryption_key_id: keyIdOf(sealed, context),
    last_validated: instantOf(deps.clock.now()),
  };
};

/**
 * Checks the stored key at its provider.
 * @returns the instant of its acceptance. @throws OneVaultError as `checkProviderKey`, or provider_key_unavailable
 */
export const checkAgain = async (
  deps: ControlDeps,
  { customer, id, provider, base_url, api_key_encrypted }: OwnedKey & { readonly api_key_encrypted: string },
): Promise<string> => {
  const bytes = await openOrSay(deps, Buffer.from(api_key_encrypted, 'hex'), { customer, provider_key: id });
  await check(deps, { provider, api_key: bytes.toString(), base_url });
  bytes.fill(0);
  return instantOf(deps.clock.now());
};

/** Reports a fault of the address as a fault of a field of the body. */
const check = async (
  { checkProviderKey }: ControlDeps,
  wanted: Parameters<ControlDeps['checkProviderKey']>[0],
): Promise<void> => {
  try {
    await checkProviderKey(wanted);
  } catch (error) {
    if (!(error instanceof OneVaultError) || error.code !== 'invalid_request' || error.param === null) throw error;
    throw invalidField(error.param, 'not_allowed', error.details ?? error.message);
  }
};

const openOrSay = async (
  { keyring }: ControlDeps,
  sealed: Buffer,
  key: Parameters<typeof sealContextOf>[0],
): Promise<Buffer> => {
  try {
    return await keyring.open(sealed, sealContextOf(key));
  } catch (cause) {
    throw new OneVaultError('provider_key_unavailable', { cause });
  }
};
