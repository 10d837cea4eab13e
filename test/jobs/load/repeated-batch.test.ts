import assert from 'node:assert/strict';
import { createJournal, intent, outcome, type TestJournal } from '../../journal/journal-fixture.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createTestLoader, readVault } from './loader-fixture.ts';

describe('the journal loader', function () {
  this.timeout(300_000);
  let database: TestDatabase;
  let journal: TestJournal;
  before(async () => {
    database = await createTestDatabase();
    journal = createJournal();
  });
  after(async () => {
    await journal.remove();
    await database.drop();
  });

  it('loads the other records of a batch and refuses the one that conflicts with an existing call', async () => {
    const calls = [intent(), intent(), intent()].map((begun) => outcome(begun, 1));
    const [first, second, third] = calls;
    const before_it = await journal.open();
    await before_it.append(first!);
    const loader = createTestLoader(journal.store, database.url);
    try {
      assert.equal(await loader.drain(), 1);
      const writer = await journal.open();
      // Another writer or sequence makes it a different record of the call.
      for (const record of [second!, first!, third!, second!]) await writer.append(record);
      assert.equal(await loader.drain(), 4);
      const { request_ids, batches, refusals } = await readVault(database.sql);
      assert.deepEqual(request_ids, calls.map(({ request_id }) => request_id).sort());
      assert.equal(refusals.length, 2);
      assert.ok(
        refusals.every((reason) => reason.includes('stands under its key')),
        refusals.join(),
      );
      const { id } = writer;
      assert.deepEqual(
        batches.filter((batch) => batch.writer === id),
        [{ writer: id, first: 1, last: 4, count: 4 }],
      );
    } finally {
      await loader.close();
    }
  });
});
