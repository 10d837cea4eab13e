import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fixedClock, instantOf, isInstant, systemClock } from '../../src/core/clock.ts';

describe('a clock', () => {
  it('gives milliseconds since the epoch', () => {
    const before_ms = Date.now();
    const now_ms = systemClock.now();
    assert.ok(now_ms >= before_ms && now_ms <= Date.now());
  });

  it('stays at its instant until it is advanced, if it is a fixed clock', () => {
    const clock = fixedClock('2026-11-21T10:00:00Z');
    assert.equal(instantOf(clock.now()), '2026-11-21T10:00:00.000Z');
    assert.equal(clock.now(), clock.now());
    clock.advance(61_001);
    assert.equal(instantOf(clock.now()), '2026-11-21T10:01:01.001Z');
    clock.advance(-1);
    assert.equal(instantOf(clock.now()), '2026-11-21T10:01:01.000Z');
  });
});

describe('an instant', () => {
  it('is written so that it parses as the same millisecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }), (epoch_ms) => {
        const text = instantOf(epoch_ms);
        assert.equal(Date.parse(text), epoch_ms);
        assert.equal(isInstant(text), true);
      }),
    );
  });

  it('is written as JavaScript writes it, whatever was written before, and invalid times are refused', () => {
    const near = fc.integer({ min: -2_000, max: 2_000 });
    const any = fc.oneof(near, near, fc.double({ min: -8.64e15, max: 8.64e15, noNaN: true }));
    fc.assert(
      fc.property(fc.array(any, { minLength: 1 }), (times) => {
        for (const time_ms of times) assert.equal(instantOf(time_ms), new Date(time_ms).toISOString());
      }),
    );
    for (const none of [Number.NaN, Infinity, 8.64e15 + 1_000]) {
      assert.throws(() => instantOf(none), RangeError);
      assert.equal(instantOf(1), '1970-01-01T00:00:00.001Z');
    }
  });

  it('sorts as text in the order of time', () => {
    const time = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });
    fc.assert(fc.property(time, time, (a, b) => assert.equal(instantOf(a) < instantOf(b), a < b)));
  });

  it('is valid with up to six decimals and with the zone Z only', () => {
    for (const text of ['2026-11-21T10:00:00Z', '2026-11-21T10:00:00.1Z', '2026-11-21T10:00:00.123456Z']) {
      assert.equal(isInstant(text), true, text);
    }
    for (const text of [
      '',
      '2026-11-21',
      '2026-11-21T10:00:00',
      '2026-11-21T10:00:00+00:00',
      '2026-11-21 10:00:00Z',
      '2026-11-21T10:00:00.1234567Z',
      '2026-11-21T10:00:00.Z',
      '2026-13-01T10:00:00Z',
      '2026-11-21T25:00:00Z',
      '2026-11-21T10:61:00Z',
      '2026-02-30T10:00:00Z',
      '2026-11-21T10:00:00Z\n',
      ' 2026-11-21T10:00:00Z',
    ]) {
      assert.equal(isInstant(text), false, text);
    }
  });
});
