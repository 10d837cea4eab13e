import assert from 'node:assert/strict';
import { parseCheckpoint } from '../../../src/audit/checkpoint.ts';
import { parseNote } from '../../../src/audit/note.ts';
import { sealTree } from '../../../src/audit/seal-tree.ts';
import type { Clock } from '../../../src/core/clock.ts';
import type { ErasureCertificate } from '../../../src/modules/privacy/erasures.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { dataOf, errorOf } from '../../support/http.ts';
import { keyringOf } from '../../support/keyring.ts';
import { hashLeaf, verifyInclusion } from '../../support/merkle-proofs.ts';

describe('the proof of an erasure over HTTP', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  it('shows that the log has the erasure once a checkpoint covers it, until its row is changed', async () => {
    const { sql } = gateway.database;
    await gateway.newCustomer({ slug: 'acme' });
    await gateway.admin('PUT', '/customers/acme/contact', { legal_name: 'Name' });
    const erased = await gateway.admin('POST', '/privacy/erasures', { subject: 'acme', reason: 'asked' });
    const { proof } = dataOf<ErasureCertificate>(erased);
    const early = await gateway.admin('GET', proof);
    assert.deepEqual([early.status, errorOf(early).reason], [409, 'not_covered_yet']);
    const clock: Clock = { now: () => Date.now() + 60_000 };
    const keyring = keyringOf(sql, gateway.control.subject_kms.kms, { clock });
    await sealTree(sql, { keyring, clock, published: null, is_check_forced: false });
    keyring.close();

    const check = async (): Promise<boolean> => {
      const { text } = await gateway.admin('GET', proof);
      const split = text.indexOf('\n\n');
      const [, extra, index, ...path] = text.slice(0, split).split('\n');
      const entry = Buffer.from(extra!.replace(/^extra /, ''), 'base64');
      assert.match(entry.toString(), /^onevault-entry\/v1\nerasure_s [0-9a-f]{64} .*\n$/);
      const { tree_size, root } = parseCheckpoint(parseNote(text.slice(split + 2)).text);
      return verifyInclusion({
        index: Number(index!.replace(/^index /, '')),
        tree_size,
        root,
        leaf_hash: hashLeaf(entry),
        path: path.map((line) => Buffer.from(line, 'base64')),
      });
    };
    assert.ok(await check());
    await sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      await tx`update privacy.erasure_s set record_source = 'forged'`;
    });
    assert.equal(await check(), false);
  });
});
