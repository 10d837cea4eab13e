import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { Registry as MetricsRegistry } from 'prom-client';
import { sealTree } from '../../src/audit/seal-tree.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { registerAuditMetrics } from '../../src/server/audit-metrics.ts';
import { queueLeaves, testKeyring } from '../audit/audit-fixture.ts';
import { createTestDatabase } from '../support/database.ts';
import { temporaryPath } from '../support/server.ts';

describe("the audit log's metrics", () => {
  it('report the age of the oldest leaf without a checkpoint, in the queue or in the tree, and a stop', async () => {
    const { sql, drop } = await createTestDatabase();
    const stopped_path = temporaryPath();
    const clock = fixedClock(new Date().toISOString());
    const metrics = new MetricsRegistry();
    const keyring = testKeyring(sql, clock);
    registerAuditMetrics({ metrics, sql, clock, stopped_path, log: silentLog });
    const scrape = async (): Promise<Record<string, number>> => {
      clock.advance(1_000);
      const lines = (await metrics.metrics()).split('\n').filter((line) => /^onevault_audit_/.test(line));
      return Object.fromEntries(
        lines.map((line) => [line.slice('onevault_audit_'.length).split(' ')[0]!, Number(line.split(' ')[1])]),
      );
    };
    const seal = () => sealTree(sql, { keyring, clock, published: null, is_check_forced: false });
    try {
      clock.advance(30_000);
      const before = await scrape();
      assert.equal(before.tree_size, 0);
      assert(before.oldest_uncovered_leaf_seconds! >= 31, JSON.stringify(before));
      assert.equal('checkpoint_age_seconds' in before, false);
      const { tree_size } = await seal();
      clock.advance(4_000);
      const signed = await scrape();
      assert.deepEqual(signed, {
        tree_size,
        checkpoint_size: tree_size,
        checkpoint_age_seconds: 5,
        oldest_uncovered_leaf_seconds: 0,
        sealing_stopped: 0,
      });
      await queueLeaves(sql, 7);
      await seal();
      writeFileSync(stopped_path, 'a reason');
      const uncovered = await scrape();
      assert.equal(uncovered.tree_size, tree_size + 7);
      assert.equal(uncovered.checkpoint_size, tree_size);
      assert(uncovered.oldest_uncovered_leaf_seconds! > 0);
      assert.equal(uncovered.sealing_stopped, 1);
    } finally {
      rmSync(stopped_path, { force: true });
      await drop();
    }
    assert.deepEqual(await scrape(), { sealing_stopped: 0 });
  });
});
