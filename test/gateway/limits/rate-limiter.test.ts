import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createRateLimiter } from '../../../src/gateway/limits/rate-limiter.ts';

const NOW_MS = Date.parse('2026-11-21T10:00:00Z');

describe('the rate limiter', () => {
  it('allows exactly the requests of one minute at one instant, and counts them down', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 1e12 }), (per_minute, more) => {
        const limiter = createRateLimiter();
        for (let left = per_minute - 1; left >= 0; left -= 1) {
          const decision = limiter.take('key', per_minute, NOW_MS + more);
          assert.equal(decision.allowed, true);
          assert.equal(decision.remaining, left);
          assert.equal(decision.retry_after_s, 0);
        }
        const refused = limiter.take('key', per_minute, NOW_MS + more);
        assert.equal(refused.allowed, false);
        assert.equal(refused.remaining, 0);
        assert.equal(refused.reset_s, 60);
      }),
    );
  });

  it('never allows more requests in any window than one burst and the refill of the window', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 120 }),
        fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 300 }),
        (per_minute, waits_ms) => {
          const limiter = createRateLimiter();
          let now_ms = NOW_MS;
          const passed: number[] = [];
          for (const wait_ms of waits_ms) {
            now_ms += wait_ms;
            if (limiter.take('key', per_minute, now_ms).allowed) passed.push(now_ms);
          }
          for (let first = 0; first < passed.length; first += 1) {
            const window_ms = passed.at(-1)! - passed[first]!;
            const max = per_minute + (window_ms * per_minute) / 60_000 + 1e-6;
            assert.ok(passed.length - first <= max);
          }
        },
      ),
    );
  });

  it('allows a request after the reported wait, and not a second earlier', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 0, max: 60_000 }), (per_minute, later_ms) => {
        const limiter = createRateLimiter();
        for (let taken = 0; taken < per_minute; taken += 1) limiter.take('key', per_minute, NOW_MS);
        const now_ms = NOW_MS + later_ms;
        let decision = limiter.take('key', per_minute, now_ms);
        while (decision.allowed) decision = limiter.take('key', per_minute, now_ms);
        const { retry_after_s } = decision;
        assert.ok(retry_after_s >= 1 && retry_after_s <= 60);
        const second_before = limiter.take('key', per_minute, now_ms + (retry_after_s - 1) * 1_000);
        assert.equal(second_before.allowed, false);
        assert.ok(limiter.take('key', per_minute, now_ms + retry_after_s * 1_000).allowed);
      }),
    );
  });

  it('counts exactly at a limit of more than one request a microsecond', () => {
    const limiter = createRateLimiter();
    const per_minute = 2_147_483_647;
    for (let taken = 1; taken <= 1_000; taken += 1) {
      assert.equal(limiter.take('key', per_minute, NOW_MS).remaining, per_minute - taken);
    }
  });

  it('counts each key separately', () => {
    const limiter = createRateLimiter();
    assert.ok(limiter.take('a', 1, NOW_MS).allowed);
    assert.ok(!limiter.take('a', 1, NOW_MS).allowed);
    assert.ok(limiter.take('b', 1, NOW_MS).allowed);
  });

  it('frees no requests when the clock steps back', () => {
    const limiter = createRateLimiter();
    assert.ok(limiter.take('key', 1, NOW_MS).allowed);
    assert.ok(!limiter.take('key', 1, NOW_MS - 3_600_000).allowed);
    assert.ok(!limiter.take('key', 1, NOW_MS + 1).allowed);
    assert.ok(limiter.take('key', 1, NOW_MS + 60_000).allowed);
  });

  it('removes no key with taken requests, however many keys there are', () => {
    const limiter = createRateLimiter();
    assert.ok(limiter.take('first', 1, NOW_MS).allowed);
    for (let key = 0; key < 25_000; key += 1) limiter.take(`key ${key}`, 1, NOW_MS + 59_000);
    assert.ok(!limiter.take('first', 1, NOW_MS + 59_999).allowed);
  });
});
