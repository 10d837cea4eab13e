import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCheckpointFiles } from '../../src/audit/checkpoint-files.ts';
import { parseCheckpointText } from '../../src/audit/checkpoint-text.ts';
import { emptyRoot, rootOf } from '../../src/audit/merkle.ts';
import { sealTree } from '../../src/audit/seal-tree.ts';
import { createSealer, isMismatch } from '../../src/audit/sealer.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { connect, type Sql } from '../../src/postgres/connect.ts';
import { createTestDatabase } from '../support/database.ts';
import { queueLeaves, readAllLeaves, testKeyring } from './audit-fixture.ts';

const SEALERS = 4;
const BATCHES = 150;
const ROUNDS_OF_KILLS = 60;

describe('a log with four concurrent sealers that are interrupted at any statement', () => {
  it('has one tree without gap or fork, and no file contains another tree', async function () {
    this.timeout(300_000);
    const { sql, url, drop } = await createTestDatabase();
    const folder = mkdtempSync(join(tmpdir(), 'race-'));
    const master_key = Buffer.alloc(32, 9);
    // This clock runs a hundred times as fast, so a checkpoint is due every 100 ms.
    const start_ms = systemClock.now();
    const clock = { now: () => start_ms + (systemClock.now() - start_ms) * 100 };
    const faults: unknown[] = [];
    let rounds = 0;
    let is_over = false;

    const seal = async (place: number): Promise<void> => {
      const own = connect(url, { application_name: `sealer ${place}`, max_connections: 3 });
      const files = createCheckpointFiles(join(folder, `${place}`));
      const keyring = testKeyring(sql, clock, master_key);
      const sealer = createSealer({ sql: own, clock, files, keyring, log: silentLog });
      while (!is_over) {
        try {
          await sealer.run();
          rounds += 1;
        } catch (error) {
          if (isMismatch(error)) faults.push(error);
          await sleep(1);
        }
      }
      await own.end({ timeout: 1 });
    };

    try {
      const running = Array.from({ length: SEALERS }, (_, place) => seal(place));
      const queued = queueSome(sql);
      let killed = 0;
      for (let round = 0; round < ROUNDS_OF_KILLS; round += 1) {
        await sleep(Math.random() * 60);
        killed += await kill(sql);
      }
      const leaves = await queued;
      for (let waited_ms = 0; waited_ms < 30_000; waited_ms += 50) {
        const [state] = await sql<{ is_done: boolean }[]>`
          select not exists (select from audit.leaf_queue)
            and (select max(tree_size) from audit.checkpoint)
              = (select max(first_index + leaf_count) from audit.sequenced) as is_done`;
        if (state!.is_done) break;
        await sleep(50);
      }
      is_over = true;
      await Promise.all(running);
      assert.deepEqual(faults, []);
      assert(killed > 10, `${killed} connections were cut`);
      assert(rounds > 5, `${rounds} rounds`);
      const tree = await readAllLeaves(sql);
      const times = Map.groupBy(tree, (hash) => hash.toString('hex'));
      for (const hash of leaves)
        assert.equal(times.get(hash.toString('hex'))?.length, 1, 'every leaf is in the tree, once');
      await assertOneTree(sql, tree);
      for (let place = 0; place < SEALERS; place += 1) {
        const files = createCheckpointFiles(join(folder, `${place}`));
        const again = createSealer({
          sql,
          clock,
          files,
          log: silentLog,
          keyring: testKeyring(sql, clock, master_key),
        });
        await again.run();
        await assertFiles(sql, join(folder, `${place}`));
      }
    } finally {
      is_over = true;
      rmSync(folder, { recursive: true });
      await drop();
    }
  });

  it('cannot fork even without the lock, because the primary keys refuse it', async () => {
    const { sql, drop } = await createTestDatabase();
    try {
      const keyring = testKeyring(sql, systemClock);
      await queueLeaves(sql, 300);
      await sealTree(sql, { keyring, clock: systemClock, published: null, is_check_forced: false });
      await assert.rejects(
        sql`insert into audit.sequenced (first_index, leaf_batch_id, leaf_count) values (0, 1000000, 1)`,
        { code: '23505' },
      );
      await assert.rejects(
        sql`
          insert into audit.sequenced (first_index, leaf_batch_id, leaf_count)
          select first_index + 1000000, leaf_batch_id, leaf_count
          from audit.sequenced
          limit 1`,
        { code: '23505' },
      );
      await assert.rejects(sql`insert into audit.node (level, node_index, node_hash) values (1, 0, ${emptyRoot()})`, {
        code: '23505',
      });
    } finally {
      await drop();
    }
  });
});

const queueSome = async (sql: Sql): Promise<Buffer[]> => {
  const leaves: Buffer[] = [];
  for (let batch = 0; batch < BATCHES; batch += 1) {
    leaves.push(...(await queueLeaves(sql, 1 + Math.floor(Math.random() * 400))));
    await sleep(Math.random() * 15);
  }
  return leaves;
};

/** Ends the connection of a random sealer at its present statement. */
const kill = async (sql: Sql): Promise<number> => {
  const { count } = await sql`
    select pg_terminate_backend(pid)
    from (
      select pid
      from pg_stat_activity
      where application_name like 'sealer %'
        and datname = current_database()
      order by state = 'active' desc, random()
      limit 1) victim`;
  return count;
};

const assertOneTree = async (sql: Sql, tree: readonly Buffer[]): Promise<void> => {
  const parts = await sql<{ first_index: number; leaf_count: number }[]>`
    select first_index, leaf_count
    from audit.sequenced
    order by first_index`;
  let next = 0;
  for (const { first_index, leaf_count } of parts) {
    assert.equal(first_index, next);
    next += leaf_count;
  }
  const nodes = await sql<{ level: number; node_index: number; node_hash: string }[]>`
    select level, node_index, encode(node_hash, 'hex') as node_hash
    from audit.node`;
  assert.equal(nodes.length, Math.floor(next / 256) + Math.floor(next / 65_536));
  for (const { level, node_index, node_hash } of nodes) {
    const width = 256 ** level;
    assert.equal(rootOf(tree.slice(node_index * width, (node_index + 1) * width)).toString('hex'), node_hash);
  }
  const checkpoints = await sql<{ tree_size: number; root_hash: string }[]>`
    select tree_size, encode(root_hash, 'hex') as root_hash
    from audit.checkpoint`;
  assert(checkpoints.length > 3, `${checkpoints.length} checkpoints`);
  for (const { tree_size, root_hash } of checkpoints) {
    assert.equal(rootOf(tree.slice(0, tree_size)).toString('hex'), root_hash);
  }
};

const assertFiles = async (sql: Sql, folder: string): Promise<void> => {
  const filed = readdirSync(folder)
    .sort()
    .flatMap((name) => parseCheckpointText(readFileSync(join(folder, name), 'utf8')).map(({ note }) => note));
  const stored = await sql<{ note: string }[]>`
    select note
    from audit.checkpoint
    order by tree_size`;
  assert.deepEqual(
    filed,
    stored.map(({ note }) => note),
  );
};
