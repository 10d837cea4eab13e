import assert from 'node:assert/strict';
import { reportText } from '../../../verifier/onevault-verify.mjs';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createSealedVault, type SealedVault, verifyIn } from './sealed-vault-fixture.ts';

describe('verifying the vault against its log', () => {
  let database: TestDatabase;
  let vault: SealedVault;
  before(async () => {
    database = await createTestDatabase();
    vault = await createSealedVault(database);
  });
  after(() => database.drop());

  it('finds nothing in a vault that nobody touched', async () => {
    const trusted = await vault.published();
    const started = performance.now();
    const report = await database.sql.begin((tx) => verifyIn(tx, vault, trusted));
    console.log(performance.now() - started);
    console.log(reportText(report));
    assert.deepEqual(report.faults, []);
  });
  for (let n = 0; n < 5; n++) it('again', async () => {
    const trusted = await vault.published();
    const started = performance.now();
    const report = await database.sql.begin((tx) => verifyIn(tx, vault, trusted));
    console.log(performance.now() - started);
    const started2 = performance.now();
    const part = await database.sql.begin((tx) => verifyIn(tx, vault, trusted, {range: {from: 3, to: 4}}));
    console.log(performance.now() - started2);
    assert.deepEqual(report.faults, []);
    assert.deepEqual(part.faults, []);
  });
});
