import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { fixedClock, instantOf, systemClock } from '../../src/core/clock.ts';
import { chooseKnown, cutOffAt } from '../../src/vault/known.ts';
import { sealKnown } from '../../src/vault/seal-known.ts';
import { writeVault } from '../../src/vault/write.ts';
import { createCallFeed, WRITERS } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

describe('the known instant', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createTestDatabase();
  });
  afterEach(() => database.drop());

  it('is final only after all transactions with earlier stamps have ended', async () => {
    const { promise: stamped, resolve: stamp } = Promise.withResolvers<string>();
    const { promise: release, resolve: end } = Promise.withResolvers<void>();
    const writing = writeVault(database.sql, systemClock, async (_tx, load_date) => {
      stamp(load_date);
      await release;
    });
    const load_date = await stamped;
    let is_sealed = false;
    const sealing = sealKnown(database.sql, systemClock).then((known) => {
      is_sealed = true;
      return known;
    });
    await sleep(100);
    assert.equal(is_sealed, false);
    end();
    await writing;
    assert.ok((await sealing) > load_date);
    const later = await writeVault(database.sql, systemClock, async (_tx, next) => next);
    assert.ok(later > (await sealing));
  });

  it('determines the last loaded sequence of each writer', async () => {
    const clock = fixedClock('2026-11-21T10:00:00Z');
    const feed = createCallFeed(database.sql, clock);
    const call = { request_timestamp: '2026-11-21T09:00:00.000Z' };
    await feed.send([call, call], WRITERS[1]);
    clock.advance(1_000);
    await feed.send([call], WRITERS[0]);
    clock.advance(1_000);
    await feed.send([call, call, call], WRITERS[1]);
    const at = (seconds: number) =>
      cutOffAt(database.sql, instantOf(Date.parse('2026-11-21T10:00:00Z') + seconds * 1_000));
    assert.deepEqual(await at(-1), {});
    assert.deepEqual(await at(0), { [WRITERS[1]]: 2 });
    assert.deepEqual(await at(1), { [WRITERS[0]]: 1, [WRITERS[1]]: 2 });
    assert.deepEqual(await at(2), { [WRITERS[0]]: 1, [WRITERS[1]]: 5 });
  });

  it('is refused if it lies in the future or is not an instant', async () => {
    const clock = fixedClock('2026-11-21T10:00:00Z');
    await assert.rejects(chooseKnown(database.sql, clock, '2026-11-21T10:00:00Z'), /lies in the future/);
    await assert.rejects(chooseKnown(database.sql, clock, 'now'), /not an instant/);
    assert.equal(await chooseKnown(database.sql, clock, '2026-11-21T09:00:00Z'), '2026-11-21T09:00:00Z');
  });
});
