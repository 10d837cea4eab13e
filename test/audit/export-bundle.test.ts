import assert from 'node:assert/strict';
import type { BundleLine } from '../../src/audit/bundle-lines.ts';
import { bundleLines, planBundle } from '../../src/audit/export-bundle.ts';
import type { VaultRow } from '../../src/vault/rows.ts';
import { createVerifier, type Report } from '../../verifier/onevault-verify.mjs';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { rows } from '../vault/vault-fixture.ts';
import { createSealedVault, type SealedVault } from './sealed-vault-fixture.ts';

describe('the export of a bundle', () => {
  let database: TestDatabase;
  let vault: SealedVault;
  before(async () => {
    database = await createTestDatabase();
    vault = await createSealedVault(database);
  });
  after(() => database.drop());

  const keyOf = (slug: string): string => rows.hubKey('customer_h', { customer_bk: slug });

  const exported = async (choice: {
    from?: string;
    to?: string;
    customer?: string;
  }): Promise<{ lines: BundleLine[]; report: Report }> => {
    const { from = null, to = null, customer } = choice;
    const lines: BundleLine[] = [];
    await database.sql.begin(async (tx) => {
      const input = await planBundle(tx, {
        from,
        to,
        made_at: '2026-11-21T12:00:00.000Z',
        customer: customer === undefined ? null : { slug: customer, customer_hk: keyOf(customer) },
      });
      for await (const page of bundleLines(tx, vault.deps, input!)) lines.push(...page);
    });
    const verifier = createVerifier(await vault.published());
    for (const line of lines) verifier.take(JSON.stringify(line));
    return { lines, report: verifier.finish() };
  };

  const rowsOf = (lines: readonly BundleLine[]): VaultRow[] =>
    lines.flatMap((line) => (line.kind === 'leaf' ? (line.rows as VaultRow[]) : []));

  it('contains all rows, which are verified without any node', async () => {
    const { lines, report } = await exported({});
    assert.deepEqual(report.faults, []);
    assert.equal(report.counts.leaves, report.counts.tree_size);
    assert.ok(!lines.some(({ kind }) => kind === 'node'));
    assert.ok(lines.some(({ kind }) => kind === 'journal_batch'));
  });

  it('contains only the rows of one customer, proven against the same root', async () => {
    const [whole, acme, bolt] = [
      await exported({}),
      await exported({ customer: 'acme' }),
      await exported({ customer: 'bolt' }),
    ];
    for (const { report } of [acme, bolt]) {
      assert.deepEqual(report.faults, []);
      assert.equal(report.root, whole.report.root);
    }
    const text = JSON.stringify(bolt.lines);
    assert.ok(!text.includes(keyOf('acme')) && text.includes(keyOf('bolt')));
    const tablesOf = ({ lines }: { lines: BundleLine[] }) => new Set(rowsOf(lines).map(({ table }) => table));
    assert.ok(tablesOf(acme).has('invoice_line_s') && !tablesOf(bolt).has('invoice_line_s'));
    assert.equal(rowsOf(bolt.lines).filter(({ table }) => table === 'api_request_s').length, 5);
    assert.ok(!tablesOf(bolt).has('model_h') && !tablesOf(bolt).has('tenant_s'));
  });

  it('contains the rows logged between two instants, and is empty for a time without rows', async () => {
    const [middle] = await database.sql<{ at: string }[]>`
      select queued_at as at
      from audit.leaf_batch
      where journal_writer is not null
      order by leaf_batch_id
      offset 1
      limit 1`;
    const before = await exported({ to: middle!.at });
    const after = await exported({ from: middle!.at });
    assert.deepEqual([...before.report.faults, ...after.report.faults], []);
    assert.equal(before.report.counts.leaves + after.report.counts.leaves, after.report.counts.tree_size);
    const nothing = await exported({ from: '2999-01-01T00:00:00Z' });
    assert.deepEqual([nothing.report.faults, nothing.report.counts.leaves], [[], 0]);
  });

  it('omits secret columns, and states that their rows were not recomputed', async () => {
    await database.sql.begin(async (tx) => {
      const input = await planBundle(tx, {
        from: null,
        to: null,
        customer: null,
        made_at: '2026-11-21T12:00:00Z',
      });
      assert.equal(input!.is_shown, true);
    });
    const { lines, report } = await exported({});
    const secret = rowsOf(lines).filter(({ values }) => Object.hasOwn(values, 'api_key_encrypted'));
    assert.deepEqual(secret, []);
    assert.match(report.words.join('\n'), /NOT recomputed: the payloads of \d+ rows/);
  });
});
