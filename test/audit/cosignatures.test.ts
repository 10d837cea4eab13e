import assert from 'node:assert/strict';
import { acceptCosignature } from '../../src/audit/accept-cosignature.ts';
import { formatCheckpoint } from '../../src/audit/checkpoint.ts';
import { checkpointAt, latestCheckpoint, listKeys } from '../../src/audit/checkpoints.ts';
import { startNewLog } from '../../src/audit/current-log.ts';
import { emptyRoot } from '../../src/audit/merkle.ts';
import { formatNote, isSignedBy, NoteError, parseNote, parseVerifierKey } from '../../src/audit/note.ts';
import { sealTree } from '../../src/audit/seal-tree.ts';
import { rotateSigningKey } from '../../src/audit/signing-keys.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { cosign, makeWitness, queueLeaves, testKeyring } from './audit-fixture.ts';

const START = '2026-11-21T10:00:00.000Z';
const START_S = Date.parse(START) / 1_000;

describe('a cosignature on a checkpoint', () => {
  let database: TestDatabase;
  const clock = fixedClock(START);
  const [known, other] = [makeWitness('witness.example/w1'), makeWitness('witness.example/w2')];
  const seal = async (): Promise<number> => {
    const keyring = testKeyring(database.sql, clock, master_key);
    return (await sealTree(database.sql, { keyring, clock, published: null, is_check_forced: false })).tree_size;
  };
  const master_key = Buffer.alloc(32, 7);
  const accept = (note: string) => acceptCosignature(database.sql, { note, witnesses: [known], now_ms: clock.now() });

  before(async () => {
    database = await createTestDatabase();
    await seal();
  });
  after(() => database.drop());

  it('is stored and published if its witness is known, and ignored otherwise', async () => {
    const { sql } = database;
    const checkpoint = (await latestCheckpoint(sql))!;
    const { text } = parseNote(checkpoint.note);
    const line = cosign(text, known, START_S);
    const note = `${checkpoint.note}${line}\n${cosign(text, other, START_S)}\n`;
    const expected = { tree_size: checkpoint.tree_size, witnesses: ['witness.example/w1'] };
    assert.deepEqual(await accept(note), expected);
    assert.deepEqual(await accept(note), expected);
    assert.equal((await latestCheckpoint(sql))!.note, `${checkpoint.note}${line}\n`);
    assert.equal((await checkpointAt(sql, checkpoint.tree_size))!.note, `${checkpoint.note}${line}\n`);
    const [row] = await sql`select cosigned_at, received_at from audit.cosignature`;
    assert.deepEqual({ ...row }, { cosigned_at: START, received_at: START });
    // A second cosignature of the same witness is ignored.
    await accept(formatNote(text, [cosign(text, known, START_S - 5)]));
    assert.equal((await latestCheckpoint(sql))!.note, `${checkpoint.note}${line}\n`);
  });

  it('is refused together with its request if it is invalid', async () => {
    const { sql } = database;
    const checkpoint = (await latestCheckpoint(sql))!;
    const { text, signatures } = parseNote(checkpoint.note);
    const before = await sql`select * from audit.cosignature`;
    const forged = formatCheckpoint({
      origin: checkpoint.origin,
      tree_size: checkpoint.tree_size,
      root: emptyRoot(),
    });
    const beyond = formatCheckpoint({ origin: checkpoint.origin, tree_size: 1_000_000, root: emptyRoot() });
    const of_other_log = text.replace(checkpoint.origin, 'onevault/0000000000000000');
    const wrong = cosign(forged, known, START_S);
    for (const [note, reason] of [
      ['', /a note is/],
      [formatNote(text, [signatures[0]!.line]), /none of the signatures/],
      [formatNote(text, [cosign(text, other, START_S)]), /none of the signatures/],
      [formatNote(text, [wrong]), /does not fit the checkpoint/],
      [formatNote(text, [cosign(text, known, START_S), wrong]), /does not fit the checkpoint/],
      [formatNote(text, [cosign(text, known, START_S + 301)]), /has not come/],
      [formatNote(forged, [wrong]), /no checkpoint of/],
      [formatNote(beyond, [cosign(beyond, known, START_S)]), /no checkpoint of/],
      [formatNote(of_other_log, [cosign(of_other_log, known, START_S)]), /no checkpoint of/],
      [formatNote('hello\n', [cosign('hello\n', known, START_S)]), /a checkpoint begins/],
    ] as const) {
      await assert.rejects(accept(note), (error) => error instanceof NoteError && reason.test(error.message), note);
    }
    assert.deepEqual(await sql`select * from audit.cosignature`, before);
  });

  it("is followed by the log's new key, which also signs the last checkpoint of the old key", async () => {
    const { sql } = database;
    const keyring = testKeyring(sql, clock, master_key);
    const before = (await latestCheckpoint(sql))!;
    const [old] = await listKeys(sql);
    clock.advance(1_000);
    const rotation = await rotateSigningKey(sql, { keyring, clock });
    assert.equal(rotation.retired_key_id, old!.key_id);
    const shared = (await latestCheckpoint(sql))!;
    assert.equal(shared.key_id, rotation.key_id);
    assert.equal(shared.tree_size, before.tree_size);
    assert.equal(shared.root_hash, before.root_hash);
    const [retired, fresh, ...more] = await listKeys(sql);
    assert.deepEqual(more, []);
    for (const key of [retired!, fresh!]) {
      assert(isSignedBy(parseNote(shared.note), parseVerifierKey(key.verifier_key)), key.key_id);
    }
    assert.equal(parseNote(shared.note).signatures.length, 3, 'and the witness is still there');
    assert.deepEqual([retired!.retired_at, retired!.last_size], ['2026-11-21T10:00:01.000Z', before.tree_size]);
    assert.deepEqual([fresh!.retired_at, fresh!.first_size], [null, before.tree_size]);
    clock.advance(10_000);
    await queueLeaves(sql, 1);
    await seal();
    const next = (await latestCheckpoint(sql))!;
    assert.equal(next.tree_size, before.tree_size + 1);
    assert(isSignedBy(parseNote(next.note), parseVerifierKey(fresh!.verifier_key)));
    assert(!isSignedBy(parseNote(next.note), parseVerifierKey(retired!.verifier_key)));
  });

  it("requires the log's master key, without which the stored key is useless", async () => {
    const { sql } = database;
    clock.advance(10_000);
    await queueLeaves(sql, 1);
    const wrong = { keyring: testKeyring(sql, clock), clock, published: null, is_check_forced: false };
    await assert.rejects(sealTree(sql, wrong));
    const [row] = await sql<{ sealed: string }[]>`
      select encode(sealed_private_key, 'hex') as sealed
      from audit.signing_key
      limit 1`;
    const keyring = testKeyring(sql, clock, master_key);
    await assert.rejects(
      keyring.open(Buffer.from(row!.sealed, 'hex'), {
        table: 'audit.signing_key',
        tenant: null,
        row: '00000000',
        column: 'sealed_private_key',
      }),
    );
    await seal();
  });

  it('belongs to another key and another name after another log was started', async () => {
    const { sql } = database;
    const old = (await latestCheckpoint(sql))!;
    const origin = await startNewLog(sql, { clock, reason: 'restored from a backup' });
    assert.notEqual(origin, old.origin);
    assert.equal(await latestCheckpoint(sql), null);
    await seal();
    const first = (await latestCheckpoint(sql))!;
    assert.equal(first.origin, origin);
    assert.deepEqual([first.tree_size, first.root_hash], [old.tree_size, old.root_hash]);
    const keys = await listKeys(sql);
    assert.deepEqual([keys.length, keys.at(-1)!.name], [3, origin]);
  });
});
