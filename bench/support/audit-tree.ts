import { randomBytes } from 'node:crypto';
import { createCheckpointFiles } from '../../src/audit/checkpoint-files.ts';
import { consistencyProof, inclusionProof } from '../../src/audit/proofs.ts';
import { readRoot, readSubtrees, readTreeSize } from '../../src/audit/read-hashes.ts';
import { createSealer, type Sealer } from '../../src/audit/sealer.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createIds } from '../../src/core/ids.ts';
import { silentLog } from '../../src/core/log.ts';
import { createDataKeyStore } from '../../src/keys/data-keys.ts';
import { createFileKms } from '../../src/keys/file-kms.ts';
import { createKeyring } from '../../src/keys/keyring.ts';
import type { Sql } from '../../src/postgres/connect.ts';
import { verifyConsistency, verifyInclusion } from '../../test/support/merkle-proofs.ts';
import { progress } from './bench.ts';
import { percentile, rounded } from './percentile.ts';

// As many as the loader writes in one transaction.
const LEAVES_A_BATCH = 5_000;
const BATCHES_A_FILL = 400;

export interface SequenceFigures {
  readonly tree_size: number;
  readonly sequencing_s: number;
  readonly leaves_per_s: number;
  readonly round_p50_ms: number;
  readonly round_p99_ms: number;
  /** In addition to the 32 bytes of each leaf in its batch. */
  readonly tree_bytes_a_leaf: number;
}

/** Queues leaves in portions and seals them with the product's sealer; only the sealer's time counts. */
export const sequenceAll = async (sql: Sql, leaves: number, folder: string): Promise<SequenceFigures> => {
  const sealer = openSealer(sql, folder);
  const rounds_ms: number[] = [];
  let tree_size = await readTreeSize(sql);
  for (let queued = 0; queued < leaves; ) {
    const batches = Math.min(BATCHES_A_FILL, Math.ceil((leaves - queued) / LEAVES_A_BATCH));
    await queueBatches(sql, queued / LEAVES_A_BATCH, batches);
    queued += batches * LEAVES_A_BATCH;
    for (;;) {
      const started_ms = performance.now();
      const sealed = await sealer.run();
      if (sealed.leaves === 0) break;
      rounds_ms.push(performance.now() - started_ms);
      tree_size = sealed.tree_size;
    }
    progress(`${queued} leaves are in the log`);
  }
  const sorted = Float64Array.from(rounds_ms).sort();
  const total_s = rounds_ms.reduce((sum, each) => sum + each, 0) / 1_000;
  const [size] = await sql<{ bytes: number }[]>`
    select pg_total_relation_size('audit.node') + pg_total_relation_size('audit.sequenced') as bytes`;
  return {
    tree_size,
    sequencing_s: rounded(total_s),
    leaves_per_s: rounded(tree_size / total_s, 0),
    round_p50_ms: rounded(percentile(sorted, 50)),
    round_p99_ms: rounded(percentile(sorted, 99)),
    tree_bytes_a_leaf: rounded(size!.bytes / tree_size, 2),
  };
};

const openSealer = (sql: Sql, folder: string): Sealer =>
  createSealer({
    sql,
    clock: systemClock,
    log: silentLog,
    files: createCheckpointFiles(folder),
    keyring: createKeyring({
      kms: createFileKms({ path: `${folder}/none`, given_keys: [randomBytes(32)], clock: systemClock }),
      store: createDataKeyStore(sql, () => new Date().toISOString()),
      clock: systemClock,
      nextId: createIds(systemClock),
    }),
  });

const queueBatches = async (sql: Sql, first: number, count: number): Promise<void> => {
  await sql`
    insert into audit.leaf_batch (change_id, leaf_count, leaf_hashes, queued_at)
    select -1 - batch, ${LEAVES_A_BATCH}, hashes, now()
    from generate_series(${first}::bigint, ${first + count - 1}::bigint) as batch
    cross join lateral (
      select string_agg(sha256(int8send(batch * ${LEAVES_A_BATCH} + leaf)), ''::bytea order by leaf) as hashes
      from generate_series(0, ${LEAVES_A_BATCH - 1}) as leaf) as made`;
};

export interface ProofFigures {
  /** Times of `select 1` between the proofs: the cost of the machine and of the connection to PostgreSQL. */
  readonly round_trip_p50_ms: number;
  readonly round_trip_p99_ms: number;
  readonly inclusion_p50_ms: number;
  readonly inclusion_p99_ms: number;
  readonly consistency_p50_ms: number;
  readonly consistency_p99_ms: number;
  readonly wrong: number;
}

// The first proofs have no query plan and a cold cache.
const WARM_UP = 50;

/** Proves random leaves in trees of random sizes, and pairs of sizes, one after another. */
export const measureProofs = async (sql: Sql, tree_size: number, count: number): Promise<ProofFigures> => {
  const root = await readRoot(sql, tree_size);
  const below = (limit: number): number => Math.floor(Math.random() * limit);
  let wrong = 0;
  const inclusion_ms: number[] = [];
  const consistency_ms: number[] = [];
  const round_trip_ms: number[] = [];
  for (let proof = 0; proof < count + WARM_UP; proof += 1) {
    const index = below(tree_size);
    let started_ms = performance.now();
    await sql`select 1`;
    if (proof >= WARM_UP) round_trip_ms.push(performance.now() - started_ms);
    started_ms = performance.now();
    const path = await inclusionProof(sql, { index, tree_size });
    if (proof >= WARM_UP) inclusion_ms.push(performance.now() - started_ms);
    const [leaf_hash] = await readSubtrees(sql, [{ level: 0, index }]);
    if (!verifyInclusion({ index, tree_size, leaf_hash: leaf_hash!, path, root })) wrong += 1;
    const first_size = 1 + below(tree_size);
    started_ms = performance.now();
    const between = await consistencyProof(sql, first_size, tree_size);
    if (proof >= WARM_UP) consistency_ms.push(performance.now() - started_ms);
    const first_root = await readRoot(sql, first_size);
    const claim = { first_size, second_size: tree_size, first_root, second_root: root, path: between };
    if (!verifyConsistency(claim)) wrong += 1;
  }
  const [inclusion, consistency, trip] = [inclusion_ms, consistency_ms, round_trip_ms].map((each) =>
    Float64Array.from(each).sort(),
  );
  return {
    round_trip_p50_ms: rounded(percentile(trip!, 50)),
    round_trip_p99_ms: rounded(percentile(trip!, 99)),
    inclusion_p50_ms: rounded(percentile(inclusion!, 50)),
    inclusion_p99_ms: rounded(percentile(inclusion!, 99)),
    consistency_p50_ms: rounded(percentile(consistency!, 50)),
    consistency_p99_ms: rounded(percentile(consistency!, 99)),
    wrong,
  };
};
