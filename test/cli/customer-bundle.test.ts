import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { listKeys } from '../../src/audit/checkpoints.ts';
import { sealTree } from '../../src/audit/seal-tree.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { VaultRow } from '../../src/vault/rows.ts';
import { createVerifier } from '../../verifier/onevault-verify.mjs';
import { runCommand } from '../server/product-process.ts';
import { testRegistry } from '../support/calls.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { keyringOf } from '../support/keyring.ts';
import { temporaryPath } from '../support/server.ts';

const rowsOf = (line: string): VaultRow[] => {
  const { kind, rows } = JSON.parse(line) as { kind: string; rows?: VaultRow[] };
  return kind === 'leaf' ? rows! : [];
};

describe('onevault audit export --customer', function () {
  this.timeout(300_000);
  const folder = temporaryPath();
  let gateway: TestGateway;
  let lines: string[];
  let rows: VaultRow[];

  const seal = async (): Promise<string[]> => {
    const { sql } = gateway.database;
    const clock: Clock = { now: () => Date.now() + 60_000 };
    const keyring = keyringOf(sql, gateway.control.subject_kms.kms, { clock });
    await sealTree(sql, { keyring, clock, published: null, is_check_forced: false });
    keyring.close();
    return (await listKeys(sql)).map(({ verifier_key }) => verifier_key);
  };

  const admin = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await gateway.admin(method, path, body);
    assert.ok(response.status < 300, `${method} ${path}: ${response.status} ${response.text}`);
    return (response.json as { data: unknown }).data;
  };

  before(async () => {
    mkdirSync(folder, { mode: 0o700 });
    gateway = await startTestGateway();
    for (const slug of ['acme', 'other']) {
      await gateway.newCustomer({ slug });
      const tiers = [{ prices: { input: '0.05', output: 1.25 } }];
      await admin('PUT', `/customers/${slug}/prices/openai/gpt-4.1-nano`, { tiers, agreement: `of ${slug}` });
      await admin('PUT', `/customers/${slug}/contact`, { legal_name: slug });
      const hold = (await admin('POST', '/privacy/holds', { subject: slug, reason: `hold of ${slug}` })) as {
        id: string;
      };
      await admin('DELETE', `/privacy/holds/${hold.id}?reason=release%20of%20${slug}`);
      await admin('POST', '/privacy/erasures', { subject: slug, reason: `erasure of ${slug}` });
    }
    const keys = await seal();
    const path = join(folder, 'acme.jsonl');
    const environment = { DATABASE_URL: gateway.database.url, ONEVAULT_DATA_DIR: folder };
    const written = await runCommand(['audit', 'export', '--customer', 'acme', '--out', path], environment);
    assert.equal(written.code, 0, written.stderr);
    lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    rows = lines.flatMap((line) => rowsOf(line));
    const verifier = createVerifier({ keys });
    for (const line of lines) verifier.take(line);
    assert.deepEqual(verifier.finish().faults, []);
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await gateway.close();
  });

  const textsOf = (table: string, column: string): unknown[] =>
    rows.filter((row) => row.table === table).map(({ values }) => values[column]);

  it('contains the agreed prices, the holds and the erasures, and is verified offline', () => {
    assert.deepEqual(textsOf('customer_price_s', 'agreement'), ['of acme']);
    assert.deepEqual(textsOf('legal_hold_s', 'reason').toSorted(), ['hold of acme', 'release of acme']);
    assert.deepEqual(textsOf('erasure_s', 'reason'), ['erasure of acme']);
  });

  it('contains every table of the vault with rows of the customer, by the owner in the schemas', () => {
    const found = new Set(rows.map(({ table }) => table));
    for (const table of found) assert.notEqual(testRegistry().entities.get(table)?.owner, 'platform', table);
    for (const table of ['customer_config_s', 'customer_pii_s', 'customer_tenant_effectivity_s', 'api_key_s']) {
      assert.ok(found.has(table), table);
    }
  });

  it('contains no rows of other customers, and no shared rows', () => {
    const text = lines.join('\n');
    for (const foreign of ['of other', 'model_bk', 'provider_bk', 'tenant_name']) {
      assert.ok(!text.includes(foreign), foreign);
    }
  });
});
