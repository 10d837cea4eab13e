import assert from 'node:assert/strict';
import type { CallRecord } from '../../../src/journal/record.ts';
import { createTestLoader } from '../../jobs/load/loader-fixture.ts';
import { createJournal, intent, outcome } from '../../journal/journal-fixture.ts';
import { certificates, createOldVault, daysBefore } from './retention-fixture.ts';

const called = (second: string): CallRecord => {
  const begun = intent();
  const record = outcome(begun, 1);
  return {
    ...record,
    customer: 'acme',
    intent_sequence: null,
    recorded_at: `2020-03-05T10:00:${second}.000Z`,
    call: { ...record.call, request_timestamp: `2020-03-05T10:00:${second}.000Z` },
  };
};

describe("a journal that is found after the destruction of its calls' day", function () {
  this.timeout(300_000);

  it('is loaded completely by a loader that remembers the day, and the day is destroyed again', async () => {
    const vault = await createOldVault();
    const journal = createJournal();
    const loader = createTestLoader(journal.store, vault.database.url);
    try {
      const writer = await journal.open();
      for (const second of ['01', '02']) await writer.append(called(second));
      await loader.drain();
      // Twice, so that the loader has seen the day stand.
      await writer.append(called('03'));
      await loader.drain();
      // The loader's clock is a little ahead, and what it stamped is known from then on.
      vault.clock.advance(600_000);
      await vault.settle();
      assert.deepEqual((await vault.retain()).left_undone, []);
      assert.deepEqual(await daysBefore(vault.sql), []);
      const late = await journal.open();
      for (const second of ['04', '05', '06']) await late.append(called(second));
      assert.equal(await loader.drain(), 3);
      assert.deepEqual(await daysBefore(vault.sql), ['2020-03-05']);
      const refused = await vault.sql`select reason from ops.load_error`;
      assert.deepEqual([...refused], []);
      await vault.assertSound();
      await vault.settle();
      await vault.retain();
      assert.deepEqual(await certificates(vault.sql), [
        { certificate: 'calls-2020-03-05-1', day: '2020-03-05', calls: 3 },
        { certificate: 'calls-2020-03-05-2', day: '2020-03-05', calls: 3 },
      ]);
      await vault.assertSound();
    } finally {
      await loader.close();
      await journal.remove();
      await vault.database.drop();
    }
  });
});
