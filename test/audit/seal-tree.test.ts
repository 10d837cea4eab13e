import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseCheckpoint } from '../../src/audit/checkpoint.ts';
import { checkpointAt, latestCheckpoint, listKeys } from '../../src/audit/checkpoints.ts';
import { emptyRoot, rootOf } from '../../src/audit/merkle.ts';
import { isSignedBy, parseNote, parseVerifierKey } from '../../src/audit/note.ts';
import { consistencyProof, inclusionProof, proofText } from '../../src/audit/proofs.ts';
import { MissingHashError, readSubtrees } from '../../src/audit/read-hashes.ts';
import { type Sealed, sealTree } from '../../src/audit/seal-tree.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { verifyConsistency, verifyInclusion } from '../support/merkle-proofs.ts';
import { queueLeaves, readAllLeaves, testKeyring } from './audit-fixture.ts';

const START = '2026-11-21T10:00:00.000Z';

describe('the tree of the audit log', () => {
  let database: TestDatabase;
  let seal: (more?: { max_leaves?: number }) => Promise<Sealed>;
  const clock = fixedClock(START);

  before(async () => {
    database = await createTestDatabase();
    const keyring = testKeyring(database.sql, clock);
    seal = (more = {}) => sealTree(database.sql, { keyring, clock, published: null, is_check_forced: false, ...more });
  });
  after(() => database.drop());

  it('starts with the rows of the seeds, and is signed at once', async () => {
    const { sql } = database;
    assert.equal(await latestCheckpoint(sql), null);
    assert.deepEqual(await listKeys(sql), []);
    const { leaves, tree_size, is_signed } = await seal();
    assert(leaves > 0);
    assert.equal(leaves, tree_size);
    assert(is_signed);
    const checkpoint = await latestCheckpoint(sql);
    assert(checkpoint !== null);
    assert.equal(checkpoint.checkpoint_at, START);
    assert.match(checkpoint.origin, /^onevault\/[0-9a-f]{16}$/);
    const note = parseNote(checkpoint.note);
    const head = parseCheckpoint(note.text);
    assert.deepEqual(head, {
      origin: checkpoint.origin,
      tree_size,
      root: rootOf(await readAllLeaves(sql)),
    });
    const [key, ...others] = await listKeys(sql);
    assert.deepEqual(others, []);
    assert(isSignedBy(note, parseVerifierKey(key!.verifier_key)));
    assert.equal(key!.name, checkpoint.origin);
    assert.equal(key!.first_size, tree_size);
    const [queue] = await sql<{ count: number }[]>`select count(*) from audit.leaf_queue`;
    assert.equal(queue!.count, 0);
  });

  it('is signed only after leaves have arrived and ten seconds have passed', async () => {
    const first = (await latestCheckpoint(database.sql))!.tree_size;
    clock.advance(60_000);
    assert.equal((await seal()).is_signed, false);
    assert.equal((await latestCheckpoint(database.sql))!.tree_size, first);
    await queueLeaves(database.sql, 3);
    assert.deepEqual(await seal(), {
      leaves: 3,
      tree_size: first + 3,
      is_signed: true,
      checkpoint_size: first + 3,
    });
    await queueLeaves(database.sql, 2);
    const between = await seal();
    assert.deepEqual([between.leaves, between.is_signed], [2, false]);
    clock.advance(9_999);
    assert.equal((await seal()).is_signed, false);
    clock.advance(1);
    assert.equal((await seal()).checkpoint_size, first + 5);
    // A clock that was set back must not prevent the log from signing.
    clock.advance(-3_600_000);
    await queueLeaves(database.sql, 1);
    assert.equal((await seal()).is_signed, true);
    clock.advance(3_700_000);
  });

  it('contains all leaves in order, for batches of any size in portions of any size', async () => {
    const { sql } = database;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 900 }),
        async (counts, max_leaves) => {
          for (const count of counts) await queueLeaves(sql, count);
          clock.advance(10_000);
          for (;;) if ((await seal({ max_leaves })).leaves === 0) break;
          clock.advance(10_000);
          await seal();
          const leaves = await readAllLeaves(sql);
          const checkpoint = (await latestCheckpoint(sql))!;
          assert.equal(checkpoint.tree_size, leaves.length);
          assert.equal(checkpoint.root_hash, rootOf(leaves).toString('hex'));
        },
      ),
      { numRuns: 8 },
    );
    const [gaps] = await sql<{ count: number }[]>`
      select count(*)
      from (
        select first_index, lag(first_index + leaf_count, 1, 0::bigint) over (order by first_index) as expected
        from audit.sequenced) s
      where first_index <> expected`;
    assert.equal(gaps!.count, 0);
  });

  it('grows beyond the nodes of 65,536 leaves, and proves leaves and consistency at every size', async () => {
    const { sql } = database;
    for (const count of [60_000, 6_000, 1]) await queueLeaves(sql, count);
    await seal();
    clock.advance(10_000);
    await seal();
    const leaves = await readAllLeaves(sql);
    const sizes = [1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, leaves.length];
    const roots = new Map(sizes.map((size) => [size, rootOf(leaves.slice(0, size))]));
    for (const tree_size of sizes) {
      const root = roots.get(tree_size)!;
      const indices = [0, 1, 254, 255, 256, 300, 65_535, 65_536, tree_size - 1].filter((index) => index < tree_size);
      for (const index of indices) {
        const path = await inclusionProof(sql, { index, tree_size });
        assert(
          verifyInclusion({ index, tree_size, leaf_hash: leaves[index]!, path, root }),
          `leaf ${index} of ${tree_size}`,
        );
      }
      for (const first_size of sizes.filter((size) => size <= tree_size)) {
        const path = await consistencyProof(sql, first_size, tree_size);
        const claim = { first_size, second_size: tree_size, second_root: root, path };
        assert(verifyConsistency({ ...claim, first_root: roots.get(first_size)! }), `${first_size} to ${tree_size}`);
      }
    }
    assert.deepEqual(await consistencyProof(sql, 0, 300), []);
    const subtrees = [
      { level: 0, index: 77 },
      { level: 7, index: 3 },
      { level: 8, index: 200 },
      { level: 11, index: 30 },
      { level: 16, index: 0 },
    ];
    const expected = subtrees.map(({ level, index }) =>
      rootOf(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)),
    );
    assert.deepEqual(await readSubtrees(sql, subtrees), expected);
    const single = Array.from({ length: 1_000 }, (_, at) => ({ level: 0, index: 250 + at }));
    assert.deepEqual(await readSubtrees(sql, single), leaves.slice(250, 1_250));
    assert.deepEqual(await readSubtrees(sql, []), []);
  });

  it('gives proofs in the form C2SP tlog-proof, with a checkpoint that covers the leaf', async () => {
    const { sql } = database;
    const leaves = await readAllLeaves(sql);
    const index = 42;
    const checkpoint = (await latestCheckpoint(sql))!;
    assert(checkpoint.tree_size > index);
    const extra = Buffer.from('entry');
    const text = await proofText(sql, { index, checkpoint, extra });
    const [head, ...lines] = text.slice(0, text.indexOf('\n\n')).split('\n');
    assert.equal(head, 'c2sp.org/tlog-proof@v1');
    assert.deepEqual(lines.slice(0, 2), ['extra ZW50cnk=', 'index 42']);
    const path = lines.slice(2).map((line) => Buffer.from(line, 'base64'));
    const signed = parseNote(text.slice(text.indexOf('\n\n') + 2));
    const { tree_size, root } = parseCheckpoint(signed.text);
    assert(verifyInclusion({ index, tree_size, leaf_hash: leaves[index]!, path, root }));
    assert.doesNotMatch(await proofText(sql, { index, checkpoint }), /extra/);
    assert.equal(await checkpointAt(sql, 3), null);
    assert.deepEqual(await checkpointAt(sql, checkpoint.tree_size), checkpoint);
  });

  it('reports a missing leaf or checkpoint instead of another proof', async () => {
    const { sql } = database;
    const { tree_size } = (await latestCheckpoint(sql))!;
    await assert.rejects(inclusionProof(sql, { index: tree_size, tree_size }), RangeError);
    await assert.rejects(consistencyProof(sql, 2, 1), RangeError);
    await assert.rejects(inclusionProof(sql, { index: 0, tree_size: tree_size + 1 }), MissingHashError);
    await assert.rejects(readSubtrees(sql, [{ level: 40, index: 0 }]), MissingHashError);
    await assert.rejects(readSubtrees(sql, [{ level: 0, index: tree_size }]), MissingHashError);
    assert.deepEqual(rootOf([]), emptyRoot());
  });

  it('is insert-only, so that no row can be changed or deleted', async () => {
    const { sql } = database;
    for (const table of ['log', 'signing_key', 'sequenced', 'node', 'checkpoint']) {
      await assert.rejects(sql.unsafe(`delete from audit.${table}`), /insert-only/, table);
      await assert.rejects(sql.unsafe(`truncate audit.${table}`), /insert-only/, table);
    }
    await assert.rejects(sql`update audit.checkpoint set note = ''`, /insert-only/);
  });

  it('grows although the queue contains a batch that is already in the tree, or that does not exist', async () => {
    const { sql } = database;
    const { tree_size } = (await latestCheckpoint(sql))!;
    await sql`
      insert into audit.leaf_queue (leaf_batch_id)
      select leaf_batch_id
      from audit.sequenced
      where first_index = 0`;
    await sql`insert into audit.leaf_queue (leaf_batch_id) values (9e15::bigint)`;
    await queueLeaves(sql, 5);
    clock.advance(10_000);
    assert.equal((await seal()).tree_size, tree_size + 5);
    const left = await sql`select leaf_batch_id from audit.leaf_queue`;
    assert.equal(left.length, 2);
  });
});
