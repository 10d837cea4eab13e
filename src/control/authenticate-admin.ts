import type { Middleware } from 'koa';
import type { Clock } from '../core/clock.ts';
import { OneVaultError } from '../core/errors.ts';
import { type CurrentSnapshot, findApiKey } from './snapshot.ts';

/** What an administrator's key may do. */
export const ADMIN_SCOPE = 'admin';

/** Lets administrators in: a key with the scope `admin`, sent as `Authorization: Bearer`. */
export const authenticateAdmin =
  (snapshot: CurrentSnapshot, clock: Clock): Middleware =>
  (ctx, next) => {
    const [, secret] = /^Bearer +(\S+) *$/i.exec(ctx.get('authorization')) ?? [];
    if (secret === undefined) throw new OneVaultError('missing_api_key');
    const key = findApiKey(snapshot(), secret);
    if (key === null) throw new OneVaultError('invalid_api_key');
    if (key.is_revoked) throw new OneVaultError('revoked_api_key');
    if (key.expires_at_ms !== null && key.expires_at_ms <= clock.now())
      throw new OneVaultError('expired_api_key');
    if (!key.scopes.includes(ADMIN_SCOPE)) {
      throw new OneVaultError('forbidden', { details: "It takes an administrator's key." });
    }
    return next();
  };
