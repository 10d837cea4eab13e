import { hkdfSync } from 'node:crypto';
import { OneVaultError } from '../../core/errors.ts';
import type { Outcome } from '../../http/outcome.ts';
import { canonicalBytes, decrypt, encrypt, KEY_BYTES } from '../../keys/aead.ts';
import type { Sql } from '../../postgres/connect.ts';

/** Time for which a response is kept. */
export const KEPT_MS = 86_400_000;

/** Identity of a request: what its response is found and sealed with. */
export interface RequestKeys {
  /** 64 lower-case hex digits. */
  readonly id: string;
  readonly seal_key: Buffer;
}

export interface KeyScope {
  readonly caller: string;
  readonly method: string;
  readonly path: string;
}

/**
 * Derives both keys from the client's Idempotency-Key and its API key (HKDF, RFC 5869): neither is in the database, so
 * that only who made the request can find and open its response.
 */
export const deriveKeys = (
  { idempotency_key, api_key }: { readonly idempotency_key: string; readonly api_key: string },
  { caller, method, path }: KeyScope,
): RequestKeys => {
  const secret = canonicalBytes('idempotent-request', [idempotency_key, api_key]);
  const scope = canonicalBytes('idempotent-scope', [caller, method, path]);
  const derived = Buffer.from(hkdfSync('sha256', secret, scope, 'onevault idempotent response', 2 * KEY_BYTES));
  return { id: derived.toString('hex', 0, KEY_BYTES), seal_key: derived.subarray(KEY_BYTES) };
};

/** A response with the request that it belongs to. */
export interface StoredResponse {
  /** Hash of body, query and conditions. */
  readonly request_hash: string;
  /** Instant of the response, in milliseconds since the Unix epoch. */
  readonly at_ms: number;
  readonly outcome: Outcome;
}

/** Finds the response of a request; null if there was none in the last 24 h. */
export const findResponse = async (sql: Sql, keys: RequestKeys, now_ms: number): Promise<StoredResponse | null> => {
  const [row] = await sql<{ sealed_response: string }[]>`
    select sealed_response
    from ops.idempotent_response
    where request_id_hash = decode(${keys.id}::text, 'hex')
      and created_at > ${new Date(now_ms - KEPT_MS).toISOString()}`;
  if (row === undefined) return null;
  const opened = decrypt(keys.seal_key, Buffer.from(row.sealed_response, 'hex'), placeOf(keys));
  if (opened === null) throw new Error('a stored response was changed in the database');
  return JSON.parse(opened.toString()) as StoredResponse;
};

// Few enough that no request waits for them; each write brings at most one.
const CLEANED_AT_ONCE = 100;
const UNIQUE_VIOLATION = '23505';

/**
 * Stores the response of a request, and deletes some that are older than 24 h.
 * @throws OneVaultError request_in_progress if another process has stored one meanwhile
 */
export const storeResponse = async (sql: Sql, keys: RequestKeys, stored: StoredResponse): Promise<void> => {
  const sealed = encrypt(keys.seal_key, Buffer.from(JSON.stringify(stored)), placeOf(keys));
  const cutoff = new Date(stored.at_ms - KEPT_MS).toISOString();
  await sql`
    delete from ops.idempotent_response
    where request_id_hash = decode(${keys.id}::text, 'hex') and created_at <= ${cutoff}
      or request_id_hash in (
        select request_id_hash
        from ops.idempotent_response
        where created_at <= ${cutoff}
        limit ${CLEANED_AT_ONCE}
        for update skip locked)`;
  try {
    await sql`
      insert into ops.idempotent_response (request_id_hash, sealed_response, created_at)
      values (decode(${keys.id}::text, 'hex'), ${sealed}, ${new Date(stored.at_ms).toISOString()})`;
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== UNIQUE_VIOLATION) throw cause;
    throw new OneVaultError('request_in_progress', { cause, retry_after_s: 1 });
  }
};

const placeOf = ({ id }: RequestKeys): Buffer => canonicalBytes('ops.idempotent_response', [id]);
