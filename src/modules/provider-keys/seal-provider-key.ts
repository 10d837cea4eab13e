import { sealContextOf } from '../../catalog/snapshot.ts';
import { instantOf } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import { invalidField } from '../../http/faults.ts';
import { keyIdOf } from '../../keys/sealed.ts';
import type { ControlDeps } from '../deps.ts';
import type { ProviderKeyRow } from './find-provider-keys.ts';
import type { KeyDetails } from './read-provider-key.ts';

type Sealed = Pick<KeyDetails, 'api_key_encrypted' | 'encryption_key_id' | 'last_validated'>;

interface Checked {
  readonly customer: string;
  readonly id: string;
  readonly provider: string;
  readonly api_key: string;
  readonly base_url: string | null;
}

/** Asks the provider about a key, and seals it for its row. @throws OneVaultError as `checkProviderKey` does */
export const checkAndSeal = async (deps: ControlDeps, { customer, id, ...wanted }: Checked): Promise<Sealed> => {
  await check(deps, wanted);
  const context = sealContextOf({ customer, provider_key: id });
  const sealed = await deps.keyring.seal(Buffer.from(wanted.api_key), context);
  return {
    api_key_encrypted: sealed.toString('hex'),
    encryption_key_id: keyIdOf(sealed, context),
    last_validated: instantOf(deps.clock.now()),
  };
};

/** Asks the provider about the key that is there. @throws OneVaultError likewise, or provider_key_unavailable */
export const checkAgain = async (deps: ControlDeps, before: ProviderKeyRow): Promise<Sealed> => {
  const { customer, id, provider, base_url, api_key_encrypted, encryption_key_id } = before;
  const bytes = await openOrSay(deps, Buffer.from(api_key_encrypted, 'hex'), { customer, provider_key: id });
  await check(deps, { provider, api_key: bytes.toString(), base_url });
  bytes.fill(0);
  return { api_key_encrypted, encryption_key_id, last_validated: instantOf(deps.clock.now()) };
};

/** What is wrong with the address is wrong with a field of the body. */
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
