import { createHmac } from 'node:crypto';
import type { IdempotencyFacts } from '../../journal/record.ts';
import { canonicalBytes } from '../../keys/aead.ts';

/** The request that one Idempotency-Key belongs to. */
export interface KeyedRequest {
  readonly customer: string;
  readonly path: string;
  readonly key: string;
  readonly body: Buffer;
  readonly content_type: string | undefined;
}

/**
 * Hashes a key and a body. Keys may name orders or people, and bodies may be guessed: only the installation's secret
 * makes both hashes.
 * @param secret 32 random bytes
 */
export const hashRequest = (secret: Buffer, request: KeyedRequest): IdempotencyFacts => {
  const { customer, path, key, body, content_type } = request;
  const key_hash = createHmac('sha256', secret)
    .update(canonicalBytes('idempotency-key', [customer, path, key]))
    .digest('hex');
  const hmac = createHmac('sha256', secret).update(canonicalBytes('idempotent-body', [customer]));
  for (const part of partsOf(body, content_type)) hmac.update(part);
  return { key_hash, body_hash: hmac.digest('hex') };
};

const BOUNDARY = /^multipart\/[^;]+;(?:.*;)?\s*boundary="?([^";]{1,70})"?/i;
const SEPARATOR = Buffer.from([0]);

/** A body without the boundary of its parts (RFC 2046, section 5.1.1): clients choose another one for each retry. */
const partsOf = function* (body: Buffer, content_type: string | undefined): Generator<Buffer> {
  const boundary = BOUNDARY.exec(content_type ?? '')?.[1];
  let from = 0;
  if (boundary !== undefined) {
    for (let at = body.indexOf(boundary); at !== -1; at = body.indexOf(boundary, from)) {
      yield body.subarray(from, at);
      yield SEPARATOR;
      from = at + boundary.length;
    }
  }
  yield body.subarray(from);
};
