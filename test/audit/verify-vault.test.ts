import assert from 'node:assert/strict';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createSealedVault, type SealedVault, verifyIn } from './sealed-vault-fixture.ts';
import { verifyBesideWriters } from './tampering/beside-writers.ts';
import { COLUMN_TAMPERINGS, unnamedColumns } from './tampering/log-columns.ts';
import { LOG_TAMPERINGS } from './tampering/log-tamperings.ts';
import { createRandom } from './tampering/mutate.ts';
import { showTwoViews } from './tampering/split-view.ts';
import { newResults, readAll, tryGroup, tryLogTampering } from './tampering/try-tamperings.ts';

describe('the verification of the vault against its log', () => {
  let database: TestDatabase;
  let vault: SealedVault;
  before(async () => {
    database = await createTestDatabase();
    vault = await createSealedVault(database);
  });
  after(() => database.drop());

  it('finds no fault in an unchanged vault', async () => {
    const trusted = await vault.published();
    const report = await database.sql.begin((tx) => verifyIn(tx, vault, trusted));
    assert.deepEqual(report.faults, []);
    assert.equal(report.counts.tree_size, report.counts.leaves);
    assert.match(report.words.join('\n'), /Everything is here/);
  });

  it('reports every manipulation of rows', async () => {
    const { sql } = database;
    const [trusted, leaves] = await Promise.all([vault.published(), readAll(sql, vault)]);
    const results = newResults();
    const random = createRandom(20_261_121);
    for (let group = 0; group < 12; group += 1)
      await tryGroup(sql, vault, trusted, { random, leaves, size: 10 }, results);
    assert.deepEqual(results.wrong, []);
  }).timeout(600_000);

  it('reports every manipulation of the log', async () => {
    const trusted = await vault.published();
    const results = newResults();
    const random = createRandom(20_261_122);
    const tamperings = [...LOG_TAMPERINGS, ...COLUMN_TAMPERINGS];
    for (const tampering of tamperings) {
      await tryLogTampering(database.sql, vault, trusted, { tampering, random }, results);
    }
    assert.deepEqual(results.wrong, []);
    assert.equal(results.tried, tamperings.length);
    assert.deepEqual(await unnamedColumns(database.sql), []);
  }).timeout(600_000);

  it('reports two different views of one log once they are compared', async () => {
    const [trusted, leaves] = await Promise.all([vault.published(), readAll(database.sql, vault)]);
    for (let seed = 0; seed < 3; seed += 1) {
      const { alone, compared } = await showTwoViews(database.sql, vault, trusted, leaves, createRandom(seed));
      // The holder of the log's key can show a consistent false history to a single person.
      assert.deepEqual(alone.faults, []);
      assert.deepEqual([...new Set(compared.faults.map(({ kind }) => kind))], ['split_view']);
    }
  });

  it('reports no fault while eight writers load and the log is sealed', async () => {
    const result = await verifyBesideWriters(database.sql, vault, { writers: 8, duration_ms: 2_000 });
    assert.deepEqual(result.false_alarms, []);
    assert.ok(result.verifications > 0 && result.leaves_written > 0);
  }).timeout(600_000);
});
