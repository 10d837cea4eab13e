import { randomBytes } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { canonicalBytes, decrypt, encrypt, KEY_BYTES } from '../../keys/aead.ts';

/** A response that a client got, whole. */
export interface SentResponse {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The call that a response belongs to. */
export interface ReplayKey {
  readonly customer: string;
  /** Hash of its Idempotency-Key, lower-case hex. */
  readonly key_hash: string;
  /** Content type of a stream in another form than the endpoint's usual one; else empty. */
  readonly form: string;
}

/** Responses that may be repeated for a short time. */
export interface ReplayStore {
  /** Keeps a response; the oldest ones go when there is no room. One that is larger than all room is not kept. */
  keep(key: ReplayKey, response: SentResponse): void;
  /** The response that was kept at most `window_s` seconds ago; else null. */
  find(key: ReplayKey, window_s: number): SentResponse | null;
  /** Forgets everything. */
  close(): void;
}

/** Longest time for which a response is kept. */
export const MAX_WINDOW_S = 600;
const SWEEP_MS = 10_000;

interface Kept {
  readonly sealed: Buffer;
  readonly kept_ms: number;
}

/**
 * Responses are content, which is never written anywhere: they stand in memory only, under a key that ends with the
 * process, so that neither a swapped page nor a core dump shows one.
 * @param max_bytes limit of all kept responses
 */
export const createReplayStore = (max_bytes: number, clock: Clock): ReplayStore => {
  const seal_key = randomBytes(KEY_BYTES);
  const responses = new Map<string, Kept>();
  let bytes = 0;

  const drop = (name: string): void => {
    bytes -= responses.get(name)?.sealed.length ?? 0;
    responses.delete(name);
  };
  /** The map is in the order of the instants. */
  const sweep = (): void => {
    const oldest_ms = clock.now() - MAX_WINDOW_S * 1_000;
    for (const [name, { kept_ms }] of responses) {
      if (kept_ms > oldest_ms) return;
      drop(name);
    }
  };
  const sweeping = setInterval(sweep, SWEEP_MS).unref();
  return {
    keep: (key, { headers, body }) => {
      const name = nameOf(key);
      const head = Buffer.from(JSON.stringify(headers));
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt32LE(head.length);
      const sealed = encrypt(seal_key, Buffer.concat([length, head, body]), Buffer.from(name));
      drop(name);
      if (sealed.length > max_bytes) return;
      while (bytes + sealed.length > max_bytes) drop(responses.keys().next().value!);
      responses.set(name, { sealed, kept_ms: clock.now() });
      bytes += sealed.length;
    },
    find: (key, window_s) => {
      const name = nameOf(key);
      const kept = responses.get(name);
      if (kept === undefined || kept.kept_ms + Math.min(window_s, MAX_WINDOW_S) * 1_000 <= clock.now()) return null;
      const opened = decrypt(seal_key, kept.sealed, Buffer.from(name));
      if (opened === null) throw new Error('a kept response was changed in memory');
      const body_at = LENGTH_BYTES + opened.readUInt32LE();
      return {
        headers: JSON.parse(opened.toString('utf8', LENGTH_BYTES, body_at)) as Record<string, string>,
        body: opened.subarray(body_at),
      };
    },
    close: () => {
      clearInterval(sweeping);
      responses.clear();
      seal_key.fill(0);
    },
  };
};

const LENGTH_BYTES = 4;

const nameOf = ({ customer, key_hash, form }: ReplayKey): string =>
  canonicalBytes('replay', [customer, key_hash, form]).toString('latin1');
