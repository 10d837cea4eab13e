import { hash, randomBytes } from 'node:crypto';

/** A new API key: the secret for its holder, and the columns of the vault. */
export interface Secret {
  readonly secret: string;
  /** Lower-case hex. A key of 256 random bits needs no salt and no slow hash, because it cannot be guessed. */
  readonly key_sha256: string;
  /** The first characters, for people to recognise it. */
  readonly key_prefix: string;
}

const SECRET_BYTES = 32;
const PREFIX_LENGTH = 8;

export const makeSecret = (): Secret => {
  const secret = `sk_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { secret, key_sha256: hash('sha256', secret), key_prefix: secret.slice(0, PREFIX_LENGTH) };
};
