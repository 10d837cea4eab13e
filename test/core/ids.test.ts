import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { fixedClock, systemClock } from '../../src/core/clock.ts';
import { createIds, isUuid } from '../../src/core/ids.ts';

// RFC 9562, section 5.7: 48 bits of milliseconds, version 7, and the variant 10 of section 4.1.
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const MODULE = new URL('../../src/core/ids.ts', import.meta.url).href;

const timeOf = (id: string): number => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
const take = (count: number, nextId: () => string): string[] => Array.from({ length: count }, nextId);

describe('a generated id', () => {
  it('is a UUID of version 7 with the variant of RFC 9562', () => {
    const ids = take(20_000, createIds(systemClock));
    assert.deepEqual(
      ids.filter((id) => !UUID_V7.test(id) || !isUuid(id)),
      [],
    );
    assert.deepEqual([...new Set(ids.map((id) => id[19]))].sort(), ['8', '9', 'a', 'b'], 'the rest is random');
  });

  it('begins with the millisecond of its creation', () => {
    const clock = fixedClock('2026-11-21T10:00:00.123Z');
    const nextId = createIds(clock);
    assert.equal(timeOf(nextId()), clock.now());
    clock.advance(5);
    assert.equal(timeOf(nextId()), clock.now());
  });

  it('sorts in the order of creation, whatever the clock does, and is unique', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: -5_000, max: 5_000 }), fc.integer({ min: 1, max: 300 })), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(steps, (moves) => {
        const clock = fixedClock('2026-11-21T10:00:00Z');
        const nextId = createIds(clock);
        const ids = moves.flatMap(([by_ms, count]) => {
          clock.advance(by_ms);
          return take(count, nextId);
        });
        assert.deepEqual(ids, ids.toSorted());
        assert.equal(new Set(ids).size, ids.length);
      }),
      { numRuns: 50 },
    );
  });

  it('stays in order when a millisecond needs more ids than the counter holds', () => {
    const ids = take(20_000, createIds(fixedClock('2026-11-21T10:00:00Z')));
    assert.deepEqual(ids, ids.toSorted());
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(timeOf(ids.at(-1)!) > timeOf(ids[0]!), 'the counter ran over into the time');
  });

  it('is unique across several processes that start at the same moment', () => {
    const script = `import { createIds } from ${JSON.stringify(MODULE)};
      const nextId = createIds({ now: () => 1_795_000_000_000 });
      console.log(Array.from({ length: 1_000 }, nextId).join(' '));`;
    const made = Array.from({ length: 3 }, () =>
      execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).trim().split(' '),
    ).flat();
    assert.equal(new Set(made).size, 3_000);
  });

  it('is recognized among other texts', () => {
    for (const text of [
      '',
      'x',
      '01A1FDCA-d3c1-75f7-9df7-1a29a4aeb075',
      '01a1fdcad3c175f79df71a29a4aeb075',
      '01a1fdca-d3c1-75f7-9df7-1a29a4aeb075\n',
    ]) {
      assert.equal(isUuid(text), false, text);
    }
  });
});
