/** Decision on a request, and the limit's state for the response headers. */
export interface LimitDecision {
  readonly allowed: boolean;
  readonly limit: number;
  /** Requests that the client may still send at once. */
  readonly remaining: number;
  /** Seconds until the whole limit is free again. */
  readonly reset_s: number;
  /** Seconds until the next request is allowed; 0 if this one is. */
  readonly retry_after_s: number;
}

export interface RateLimiter {
  /** Takes one request of `key`. `per_minute` requests are allowed a minute, also all at once. */
  take(key: string, per_minute: number, now_ms: number): LimitDecision;
}

const MINUTE_MS = 60_000;
// Above this number, keys without a request in the last minute are removed: they hold no state.
const SWEEP_SIZE = 10_000;
// Far below one request, far above the rounding error of a count.
const TOLERANCE = 1e-6;

interface Bucket {
  /** Requests that are taken and not yet free again at `at_ms`. */
  held: number;
  at_ms: number;
}

/**
 * One token bucket a key, kept as a number of requests: exact at any limit. Instants in milliseconds (the generic cell
 * rate algorithm, ITU-T I.371, in its usual form) are not.
 */
export const createRateLimiter = (): RateLimiter => {
  const buckets = new Map<string, Bucket>();
  let sweep_at = SWEEP_SIZE;
  const sweep = (now_ms: number): void => {
    for (const [key, { at_ms }] of buckets) if (at_ms + MINUTE_MS <= now_ms) buckets.delete(key);
    sweep_at = Math.max(SWEEP_SIZE, buckets.size * 2);
  };
  return {
    take: (key, per_minute, now_ms) => {
      if (buckets.size >= sweep_at) sweep(now_ms);
      const bucket = buckets.get(key) ?? { held: 0, at_ms: now_ms };
      const freed = (Math.max(0, now_ms - bucket.at_ms) * per_minute) / MINUTE_MS;
      bucket.held = Math.max(0, bucket.held - freed);
      bucket.at_ms = Math.max(bucket.at_ms, now_ms);
      const allowed = bucket.held + 1 <= per_minute + TOLERANCE;
      if (allowed) {
        bucket.held += 1;
        buckets.set(key, bucket);
      }
      const secondsOf = (requests: number): number =>
        Math.ceil((requests * MINUTE_MS) / per_minute / 1_000 - TOLERANCE);
      return {
        allowed,
        limit: per_minute,
        remaining: Math.max(0, Math.floor(per_minute - bucket.held + TOLERANCE)),
        reset_s: secondsOf(bucket.held),
        retry_after_s: allowed ? 0 : Math.max(1, secondsOf(bucket.held + 1 - per_minute)),
      };
    },
  };
};
