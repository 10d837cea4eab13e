import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCheckpointFiles } from '../../src/audit/checkpoint-files.ts';
import { formatCheckpointText, parseCheckpointText } from '../../src/audit/checkpoint-text.ts';
import { startNewLog } from '../../src/audit/current-log.ts';
import { NoteError } from '../../src/audit/note.ts';
import { createSealer, isMismatch, type Sealer } from '../../src/audit/sealer.ts';
import { rotateSigningKey } from '../../src/audit/signing-keys.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import type { Sql } from '../../src/postgres/connect.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { queueLeaves, testKeyring } from './audit-fixture.ts';

const master_key = Buffer.alloc(32, 7);

describe('the sealer with its checkpoint files', () => {
  let database: TestDatabase;
  let folder: string;
  const clock = fixedClock('2026-11-21T23:59:40.000Z');

  beforeEach(async () => {
    database = await createTestDatabase();
    folder = join(mkdtempSync(join(tmpdir(), 'checkpoints-')), 'checkpoints');
  });
  afterEach(async () => {
    rmSync(join(folder, '..'), { recursive: true, force: true });
    await database.drop();
  });

  /** A sealer without state, as after a start. */
  const newSealer = (): Sealer =>
    createSealer({
      sql: database.sql,
      clock,
      log: silentLog,
      keyring: testKeyring(database.sql, clock, master_key),
      files: createCheckpointFiles(folder),
    });
  const grow = async (sealer: Sealer, leaves = 3): Promise<void> => {
    clock.advance(10_000);
    await queueLeaves(database.sql, leaves);
    assert((await sealer.run()).is_signed);
  };
  const readFiles = (): string[] =>
    readdirSync(folder)
      .sort()
      .flatMap((name) => parseCheckpointText(readFileSync(join(folder, name), 'utf8')).map(({ note }) => note));
  const readTable = async (): Promise<string[]> =>
    (
      await database.sql<{ note: string }[]>`
        select note
        from audit.checkpoint
        join audit.signing_key using (key_id)
        order by tree_size, key_number`
    ).map(({ note }) => note);

  it('writes every checkpoint in order to one private file a day', async () => {
    const sealer = newSealer();
    for (let round = 0; round < 4; round += 1) await grow(sealer);
    assert.deepEqual(await readTable(), readFiles());
    assert.equal(readFiles().length, 4);
    assert.deepEqual(readdirSync(folder).sort(), ['2026-11-21.txt', '2026-11-22.txt']);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    assert.equal(statSync(join(folder, '2026-11-22.txt')).mode & 0o777, 0o600);
    const text = readFileSync(join(folder, '2026-11-21.txt'), 'utf8');
    assert.equal(text, formatCheckpointText(readFiles().slice(0, 1)));
    // After the clock was set back, a checkpoint must not precede older ones.
    clock.advance(-86_400_000);
    await queueLeaves(database.sql, 1);
    await sealer.run();
    assert.deepEqual(await readTable(), readFiles());
    await rotateSigningKey(database.sql, { keyring: testKeyring(database.sql, clock, master_key), clock });
    await grow(sealer);
    assert.deepEqual(await readTable(), readFiles());
    clock.advance(86_400_000);
  });

  it('completes the files after a crash between table and file, and in the middle of a file', async () => {
    await grow(newSealer());
    const name = join(folder, readdirSync(folder).sort().at(-1)!);
    await grow(newSealer());
    await grow(newSealer());
    const whole = readFileSync(name, 'utf8');
    const first = formatCheckpointText((await readTable()).slice(0, 1));
    for (const length of [first.length, first.length + 5, first.length + 60, whole.length - 40, whole.length - 1]) {
      writeFileSync(name, whole.slice(0, length));
      await newSealer().run();
      assert.deepEqual(readFiles(), await readTable(), `cut at ${length} of ${whole.length}`);
    }
    rmSync(folder, { recursive: true });
    await newSealer().run();
    assert.deepEqual(readFiles(), await readTable());
  });

  it('stops and writes nothing if the database is older than the files', async () => {
    await grow(newSealer());
    const { url, sql } = database;
    await grow(newSealer());
    await rewind(sql, 1);
    await queueLeaves(sql, 50);
    await refuses(newSealer(), 'rewound');
    const [queue] = await sql<{ count: number }[]>`select count(*) from audit.leaf_queue`;
    assert.equal(queue!.count, 1, url);
  });

  it('stops at once if the log is cut or missing, even with nothing to seal', async () => {
    for (const leaves of [1, 0]) {
      const sealer = newSealer();
      await grow(sealer);
      await grow(sealer);
      await sealer.run();
      if (leaves > 0) await rewind(database.sql, 1);
      else
        await asAttacker(database.sql, async (sql) => {
          await sql`truncate audit.leaf_batch, audit.leaf_queue, audit.sequenced, audit.checkpoint cascade`;
        });
      await refuses(sealer, 'rewound');
      rmSync(folder, { recursive: true });
    }
  });

  it('stops if the database contains another history of the same size', async () => {
    const sealer = newSealer();
    await grow(sealer, 300);
    await grow(sealer, 300);
    await asAttacker(database.sql, async (sql) => {
      await sql`
        update audit.leaf_batch
        set leaf_hashes = set_byte(leaf_hashes, length(leaf_hashes) - 9, (get_byte(leaf_hashes, length(leaf_hashes) - 9) + 1) % 256)
        where leaf_batch_id = (select max(leaf_batch_id) from audit.sequenced)`;
    });
    await queueLeaves(database.sql, 1);
    clock.advance(10_000);
    // Both a running sealer and a new one must find the fault.
    await refuses(sealer, 'rewritten');
    await refuses(newSealer(), 'rewritten');
  });

  it('stops if a node of the tree was changed or is missing', async () => {
    for (const change of ['update audit.node set node_hash = sha256(node_hash)', 'delete from audit.node']) {
      rmSync(folder, { recursive: true, force: true });
      await grow(newSealer(), 300);
      await asAttacker(database.sql, async (sql) => {
        await sql.unsafe(change);
      });
      await queueLeaves(database.sql, 1);
      await refuses(newSealer(), 'rewritten');
      await database.drop();
      database = await createTestDatabase();
    }
  });

  it('stops at a forged checkpoint in the table, and does not write it to a file', async () => {
    const sealer = newSealer();
    await grow(sealer);
    const before = readFiles();
    const forge = (by: number): Promise<void> =>
      asAttacker(database.sql, async (sql) => {
        await sql`
          insert into audit.checkpoint (tree_size, key_id, root_hash, note, checkpoint_at)
          select tree_size + ${by}, key_id, sha256('forged'), replace(note, E'\n' || tree_size, E'\n' || tree_size + ${by}), checkpoint_at
          from audit.checkpoint`;
      });
    await forge(-1);
    assert.deepEqual((await sealer.run()).is_signed, false);
    renameSync(folder, `${folder}-before`);
    await refuses(newSealer(), 'rewritten');
    renameSync(`${folder}-before`, folder);
    await forge(10);
    await queueLeaves(database.sql, 20);
    clock.advance(10_000);
    await refuses(newSealer(), 'rewound');
    assert.deepEqual(readFiles(), before);
  });

  it('stops if the files belong to another log, until they are moved', async () => {
    await grow(newSealer());
    await startNewLog(database.sql, { clock, reason: 'restored' });
    await refuses(newSealer(), 'other-log');
    renameSync(folder, `${folder}-until-restore`);
    clock.advance(10_000);
    assert((await newSealer().run()).is_signed);
    assert.equal(readFiles().length, 1);
  });

  it('stops if the files were changed', async () => {
    await grow(newSealer());
    await grow(newSealer());
    const name = join(folder, readdirSync(folder).sort().at(-1)!);
    const text = readFileSync(name, 'utf8');
    writeFileSync(name, text.replace(/\n\d+\n/, '\nmany\n'));
    await assert.rejects(newSealer().run(), (error) => error instanceof NoteError && isMismatch(error));
    writeFileSync(name, text);
    await newSealer().run();
    appendFileSync(name, text.replace(/\n\d+\n/g, '\n999999\n'));
    await refuses(newSealer(), 'rewound');
  });

  const refuses = async (sealer: Sealer, reason: string): Promise<void> => {
    const before = await database.sql`
      select (select count(*) from audit.checkpoint), (select count(*) from audit.sequenced)`;
    await assert.rejects(sealer.run(), { name: 'TreeMismatchError', reason });
    assert.deepEqual(
      await database.sql`select (select count(*) from audit.checkpoint), (select count(*) from audit.sequenced)`,
      before,
    );
  };
});

/** Runs `work` as a superuser without triggers. */
const asAttacker = async (sql: Sql, work: (sql: Sql) => Promise<void>): Promise<void> => {
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await work(tx as unknown as Sql);
  });
};

/** Deletes the last batches and all rows about them, as a restore from a backup does. */
const rewind = (sql: Sql, batches: number): Promise<void> =>
  asAttacker(sql, async (tx) => {
    for (let taken = 0; taken < batches; taken += 1) {
      await tx`delete from audit.sequenced where first_index = (select max(first_index) from audit.sequenced)`;
    }
    await tx`
      delete from audit.checkpoint
      where tree_size > (select max(first_index + leaf_count) from audit.sequenced)`;
  });
