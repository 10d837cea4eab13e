/** Whether a request may pass, and what the client is told of its limit. */
export interface LimitDecision {
  readonly allowed: boolean;
  readonly limit: number;
  /** Requests left in the burst. */
  readonly remaining: number;
  /** Seconds until the whole burst is free again. */
  readonly reset_s: number;
  /** Seconds until the next request may pass; 0 when this one may. */
  readonly retry_after_s: number;
}

export interface RateLimiter {
  /** Takes one request of `key`, of which `per_minute` are allowed a minute, all at once if need be. */
  take(key: string, per_minute: number, now_ms: number): LimitDecision;
}

const MINUTE_MS = 60_000;
// Keys that have not been seen for their whole window hold no state worth keeping.
const SWEEP_SIZE = 10_000;

/**
 * A token bucket a key, kept as one number each: the generic cell rate algorithm (ITU-T I.371), where the number
 * is the theoretical arrival time of the next request.
 */
export const createRateLimiter = (): RateLimiter => {
  const arrivals = new Map<string, number>();
  let sweep_at = SWEEP_SIZE;
  const sweep = (now_ms: number): void => {
    for (const [key, arrival_ms] of arrivals) if (arrival_ms <= now_ms) arrivals.delete(key);
    sweep_at = Math.max(SWEEP_SIZE, arrivals.size * 2);
  };
  return {
    take: (key, per_minute, now_ms) => {
      if (arrivals.size >= sweep_at) sweep(now_ms);
      const interval_ms = MINUTE_MS / per_minute;
      const arrival_ms = Math.max(arrivals.get(key) ?? 0, now_ms);
      const next_ms = arrival_ms + interval_ms;
      const wait_ms = next_ms - MINUTE_MS - now_ms;
      const allowed = wait_ms <= 0;
      if (allowed) arrivals.set(key, next_ms);
      const held_ms = (allowed ? next_ms : arrival_ms) - now_ms;
      return {
        allowed,
        limit: per_minute,
        remaining: Math.max(0, Math.floor((MINUTE_MS - held_ms) / interval_ms)),
        reset_s: Math.ceil(held_ms / 1_000),
        retry_after_s: allowed ? 0 : Math.max(1, Math.ceil(wait_ms / 1_000)),
      };
    },
  };
};
