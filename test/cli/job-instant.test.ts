import assert from 'node:assert/strict';
import { jobInstant } from '../../src/cli/job-instant.ts';
import { fixedClock } from '../../src/core/clock.ts';

const clock = fixedClock('2026-11-21T10:05:00Z');

describe('the instant of a job that an operator runs', () => {
  it('comes from the month of the invoices', () => {
    assert.equal(jobInstant(clock, 'invoices', { period: '2026-08' }), '2026-09-30T23:59:59.999Z');
    assert.equal(jobInstant(clock, 'invoices', { period: '2026-11', allowFuture: true }), '2026-12-01T00:00:00.000Z');
    assert.equal(jobInstant(clock, 'invoices', {}), '2026-11-21T10:05:00.000Z');
    assert.throws(() => jobInstant(clock, 'invoices', { period: 'October' }), /Write it as 2026-10\.$/);
  });

  it('is passed unchanged to every other job, and is now by default', () => {
    assert.equal(jobInstant(clock, 'spend', { at: '2026-11-01T00:00:00Z' }), '2026-11-01T00:00:00Z');
    assert.equal(jobInstant(clock, 'spend', {}), '2026-11-21T10:05:00.000Z');
  });

  it('is refused if the option belongs to another job', () => {
    const at = '2026-12-01T00:15:00Z';
    assert.throws(() => jobInstant(clock, 'invoices', { at, period: '2026-10' }), /Replace --at by --period/);
    assert.throws(() => jobInstant(clock, 'spend', { period: '2026-10' }), /The job spend takes no --period/);
  });
});
