import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPrefetch } from '../../../src/jobs/load/prefetch.ts';

const LIMIT = 2;
// Far longer than making a number takes.
const PAUSE_MS = 20;

describe('the prefetch', () => {
  it('returns each result once, in order, and null after the last, however often it is called', async () => {
    const prefetched = createPrefetch<number>(async (before) => (before === 5 ? null : (before ?? 0) + 1), LIMIT);
    const given: (number | null)[] = [];
    for (let calls = 0; calls < 8; calls += 1) given.push(await prefetched.next());
    assert.deepEqual(given, [1, 2, 3, 4, 5, null, null, null]);
  });

  it('makes no more results in advance than its limit', async () => {
    let made = 0;
    const prefetched = createPrefetch<number>(async () => {
      made += 1;
      return made;
    }, LIMIT);
    await prefetched.next();
    await sleep(PAUSE_MS);
    assert.equal(made, 1 + LIMIT);
    await prefetched.end();
    assert.equal(made, 1 + LIMIT);
  });

  it('reports a failure to the consumer of the failed result only', async () => {
    const prefetched = createPrefetch<number>(async (before) => {
      if (before === 1) throw new Error('the journal cannot be read');
      return 1;
    }, LIMIT);
    assert.equal(await prefetched.next(), 1);
    await sleep(PAUSE_MS);
    await assert.rejects(prefetched.next(), /cannot be read/);
    await prefetched.end();
  });
});
