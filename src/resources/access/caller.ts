import type { Context } from 'koa';
import type { Actor } from '../../audit/event.ts';
import { type ApiKey, type CurrentSnapshot, findApiKey } from '../../catalog/snapshot.ts';
import type { Clock } from '../../core/clock.ts';
import { type ErrorCode, OneVaultError } from '../../core/errors.ts';
import { clientAddress } from '../../http/client-address.ts';
import { type Scope, scopesWith } from './permissions.ts';

/** The caller of the control plane. */
export interface Caller extends Actor {
  /** The customer of the key; null for administrators and auditors. */
  readonly customer: string | null;
}

/** A refused caller, with the reason. */
export interface Refusal extends Caller {
  readonly error: OneVaultError;
}

const KIND_OF_SCOPE = { admin: 'administrator', auditor: 'auditor', calls: 'customer' } as const;

/**
 * Finds the caller by the key in `Authorization: Bearer`.
 * @param permission the permission that the key must have
 * @returns the caller, or the refusal with its reason
 */
export const identifyCaller = (
  { snapshot, clock }: { readonly snapshot: CurrentSnapshot; readonly clock: Clock },
  ctx: Context,
  permission: string,
): Caller | Refusal => {
  const [, secret] = /^Bearer +(\S+) *$/i.exec(ctx.get('authorization')) ?? [];
  if (secret === undefined) return unknownCaller('unknown', 'missing_api_key');
  const known = snapshot();
  const key = findApiKey(known, secret);
  if (key === null) return unknownCaller(recognisable(secret), 'invalid_api_key');
  const caller = { actor_kind: kindOf(key), actor: key.api_key, customer: key.customer };
  const refuse = (
    code: ErrorCode,
    why: { readonly reason: string; readonly details: string } | null = null,
  ): Refusal => ({
    ...caller,
    error: new OneVaultError(code, {
      ...why,
      ...(why?.reason === 'missing_permission' ? { context: { permission } } : {}),
    }),
  });
  if (key.is_revoked) return refuse('revoked_api_key');
  if (key.expires_at_ms !== null && key.expires_at_ms <= clock.now()) return refuse('expired_api_key');
  if (key.allowed_ips !== null && !key.allowed_ips.includes(clientAddress(ctx.req))) {
    return refuse('forbidden', {
      reason: 'address_not_allowed',
      details: 'The key may not be used from this address.',
    });
  }
  const scopes = scopesWith(permission);
  if (!scopes.some((scope) => key.scopes.includes(scope))) {
    return refuse('forbidden', { reason: 'missing_permission', details: neededText(scopes) });
  }
  if (key.customer !== null && known.customers.get(key.customer)?.is_active !== true) {
    return refuse('forbidden', { reason: 'customer_suspended', details: 'The customer is suspended.' });
  }
  return caller;
};

/** True if a caller's kind of key has a permission. */
export const mayDo = ({ actor_kind }: Caller, permission: string): boolean =>
  scopesWith(permission).some((scope) => KIND_OF_SCOPE[scope] === actor_kind);

const unknownCaller = (actor: string, code: ErrorCode): Refusal => ({
  actor_kind: 'unknown',
  actor,
  customer: null,
  error: new OneVaultError(code),
});

// The form of `makeSecret`. Text in another form may be a password sent by mistake, so no part of it is stored.
const OUR_KEY = /^sk_[\w-]{43}$/;
const PREFIX_LENGTH = 8;

const recognisable = (secret: string): string =>
  OUR_KEY.test(secret) ? `${secret.slice(0, PREFIX_LENGTH)}…` : 'unknown';

const kindOf = ({ scopes }: ApiKey): Caller['actor_kind'] => {
  const scope = (['admin', 'auditor', 'calls'] as const).find((each) => scopes.includes(each));
  return scope === undefined ? 'unknown' : KIND_OF_SCOPE[scope];
};

const neededText = (scopes: readonly Scope[]): string =>
  scopes.includes('auditor') ? "It takes an administrator's or an auditor's key." : "It takes an administrator's key.";
