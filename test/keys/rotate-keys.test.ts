import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { systemClock } from '../../src/core/clock.ts';
import { unwrapStored } from '../../src/keys/data-keys.ts';
import type { FileKms } from '../../src/keys/file-kms.ts';
import { type Kms, UnknownMasterKeyError, type WrappedKey } from '../../src/keys/kms.ts';
import { createKmsSet } from '../../src/keys/kms-set.ts';
import { listKeys } from '../../src/keys/list-keys.ts';
import { type Rotation, rotateKeys } from '../../src/keys/rotate-keys.ts';
import { createVaultTransitKms } from '../../src/keys/vault-transit-kms.ts';
import type { Sql } from '../../src/postgres/connect.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { keyringOf } from '../support/keyring.ts';
import { STRIDE } from '../support/stride.ts';
import { Crash, createCrasher } from './crash-fixture.ts';
import { fileKms, HERE, keyFolder, nextId } from './key-fixture.ts';
import { startTransitServer } from './transit-fixture.ts';

const secret = Buffer.from('a secret');
const SUBJECT_KEYS = 'privacy.subject_key';

describe('a rotation of the keys', () => {
  let database: TestDatabase;
  let sql: Sql;
  let folder: string;
  let path: string;
  let kms: FileKms;
  const setUp = async () => {
    database = await createTestDatabase();
    sql = database.sql;
    ({ folder, path } = keyFolder());
    kms = fileKms(path);
    await sql`create table reported (key_rotation_id uuid primary key)`;
  };
  const tearDown = async () => {
    rmSync(folder, { recursive: true, force: true });
    await database.drop();
  };
  beforeEach(setUp);
  afterEach(tearDown);

  const rotate = (
    deps: { sql: Sql; kms: Kms } = { sql, kms },
    options: { keep_old?: boolean; keep_data_key?: boolean } = {},
  ): Promise<Rotation> =>
    rotateKeys(
      { ...deps, clock: systemClock, nextId },
      {
        keep_old: options.keep_old ?? false,
        keep_data_key: options.keep_data_key ?? false,
        complete: async ({ key_rotation_id }, finish) => {
          await deps.sql.begin(async (tx) => {
            await tx`insert into reported (key_rotation_id) values (${key_rotation_id})`;
            await finish(tx);
          });
        },
      },
    );
  const addSubject = async (key = randomBytes(32)): Promise<{ key_id: string; key: Buffer }> => {
    const key_id = nextId();
    const { wrapped_key, master_key_id } = await kms.wrap(key, { table: SUBJECT_KEYS, key_id });
    await sql`
      insert into privacy.subject_key (subject_key_id, customer_hk, wrapped_key, master_key_id, created_at, wrapped_at)
      values (${key_id}, ${randomBytes(32)}, ${wrapped_key}, ${master_key_id}, now(), now())`;
    return { key_id, key };
  };
  const readSubject = async (key_id: string): Promise<WrappedKey | null> => {
    const [row] = await sql<{ wrapped_key: string; master_key_id: string }[]>`
      select wrapped_key, master_key_id from privacy.subject_key where subject_key_id = ${key_id}`;
    return row === undefined ? null : { ...row, wrapped_key: Buffer.from(row.wrapped_key, 'hex') };
  };
  const keysInFile = (): string[] =>
    (JSON.parse(readFileSync(path, 'utf8')).keys as { master_key_id: string }[]).map((key) => key.master_key_id);

  it('wraps every key again, creates a data key, and destroys the old master key', async () => {
    const keyring = keyringOf(sql, kms);
    const sealed = await keyring.seal(secret, HERE);
    const subject = await addSubject();
    const before = await readSubject(subject.key_id);
    const [old] = keysInFile();

    const rotation = await rotate();
    assert.deepEqual(rotation.rewrapped, { 'privacy.data_key': 1, [SUBJECT_KEYS]: 1 });
    assert.deepEqual([rotation.destroyed, rotation.retired], [[old], []]);
    assert.deepEqual(keysInFile(), [rotation.master_key_id]);
    assert.deepEqual(
      [...(await sql`select key_rotation_id from reported`)],
      [{ key_rotation_id: rotation.key_rotation_id }],
    );

    const after = await readSubject(subject.key_id);
    const place = { table: SUBJECT_KEYS, key_id: subject.key_id };
    assert.deepEqual(await kms.unwrap(after!, place), subject.key);
    await assert.rejects(kms.unwrap(before!, place), UnknownMasterKeyError, 'an old copy is worth nothing');
    for (const each of [keyring, keyringOf(sql, kms)]) assert.deepEqual(await each.open(sealed, HERE), secret);
    const fresh = await keyringOf(sql, kms).seal(secret, HERE);
    assert.equal(fresh.subarray(1, 17).toString('hex'), rotation.data_key_id.replaceAll('-', ''));
    const { master_keys, rotating_since } = await listKeys(sql, kms);
    assert.deepEqual(
      master_keys.map(({ master_key_id, state, keys }) => [master_key_id, state, keys]),
      [
        [rotation.master_key_id, 'wraps', 3],
        [old, 'destroyed', 0],
      ],
    );
    assert.equal(rotating_since, null);
  });

  it('keeps the old master key if requested, and the next rotation destroys it', async () => {
    await keyringOf(sql, kms).seal(secret, HERE);
    const [first] = keysInFile();
    const kept = await rotate({ sql, kms }, { keep_old: true });
    assert.deepEqual([kept.retired, kept.destroyed], [[first], []]);
    assert.deepEqual(keysInFile(), [kept.master_key_id, first]);
    const next = await rotate();
    assert.deepEqual([...next.destroyed].sort(), [first, kept.master_key_id].sort());
    assert.deepEqual(keysInFile(), [next.master_key_id]);
  });

  it('creates no data key if only the master key must change, so that data keys do not accumulate', async () => {
    const first = await rotate();
    for (let each = 0; each < 3; each += 1) {
      const next = await rotate({ sql, kms }, { keep_data_key: true });
      assert.equal(next.data_key_id, first.data_key_id);
      assert.equal(next.destroyed.length, 1);
    }
    assert.equal((await listKeys(sql, kms)).data_keys.length, 1);
  });

  /** Interrupts a rotation at one step while eight users seal and open. @returns true if there was such a step */
  const interrupt = async (at: number, when: 'before' | 'after'): Promise<boolean> => {
    const sealed = [await keyringOf(sql, kms).seal(secret, HERE)];
    const subject = await addSubject();
    const place = { table: SUBJECT_KEYS, key_id: subject.key_id };
    const stop = new AbortController();
    const work = async (is_new_each_time: boolean): Promise<void> => {
      let keyring = keyringOf(sql, kms);
      do {
        if (is_new_each_time) keyring = keyringOf(sql, kms);
        sealed.push(await keyring.seal(secret, HERE));
        const any = sealed[Math.floor(Math.random() * sealed.length)]!;
        assert.deepEqual(await keyring.open(any, HERE), secret);
        assert.deepEqual(await unwrapStored(kms, place, () => readSubject(subject.key_id)), subject.key);
        await setImmediate();
      } while (!stop.signal.aborted);
    };
    const workers = Promise.allSettled(Array.from({ length: 8 }, (_, each) => work(each % 2 === 0)));
    const outcome = await rotate(createCrasher(sql, kms, at, when)).catch((error: unknown) => error);
    if (outcome instanceof Error) assert.ok(outcome instanceof Crash, String(outcome));
    await rotate();
    stop.abort();
    for (const each of await workers) assert.equal(each.status, 'fulfilled', String(Object(each).reason));
    const last = keyringOf(sql, kms);
    for (const each of sealed) assert.deepEqual(await last.open(each, HERE), secret);
    const [counts] = await sql<{ completed: number; reported: number; master_keys: number }[]>`
      select (select count(*) from privacy.key_rotation where completed_at is not null) as completed,
             (select count(*) from reported) as reported,
             (select count(*) from privacy.master_key) as master_keys`;
    assert.equal(counts!.reported, counts!.completed, 'each is reported once');
    assert.equal(counts!.master_keys, counts!.completed + 1, 'an interruption makes no master key more');
    assert.equal(keysInFile().length, 1);
    return outcome instanceof Crash;
  };

  for (const when of ['before', 'after'] as const) {
    it(`continues after a death ${when} any step, and never blocks eight users who seal and open meanwhile`, async () => {
      for (let at = 1; await interrupt(at, when); at += STRIDE) {
        assert.ok(at < 100, 'it has an end');
        await tearDown();
        await setUp();
      }
    }).timeout(600_000);
  }

  it('does not restore a key that was erased while it ran', async () => {
    const subjects = await Promise.all(Array.from({ length: 40 }, () => addSubject()));
    const erased: string[] = [];
    const slow: Kms = {
      ...kms,
      rewrap: async (wrapped, place) => {
        const fresh = await kms.rewrap(wrapped, place);
        if (place.table === SUBJECT_KEYS && erased.length < 20) {
          erased.push(place.key_id);
          await sql`delete from privacy.subject_key where subject_key_id = ${place.key_id}`;
        }
        return fresh;
      },
    };
    const rotation = await rotate({ sql, kms: slow });
    assert.equal(rotation.rewrapped[SUBJECT_KEYS], subjects.length - erased.length);
    for (const { key_id } of subjects) {
      assert.equal((await readSubject(key_id)) === null, erased.includes(key_id));
    }
  });

  it('prevents that any process wraps under a retired master key', async () => {
    const stale = await kms.wrap(randomBytes(32), { table: SUBJECT_KEYS, key_id: 'x' });
    await addSubject();
    await rotate();
    await assert.rejects(
      async () => sql`
        insert into privacy.subject_key (subject_key_id, customer_hk, wrapped_key, master_key_id, created_at, wrapped_at)
        values (${nextId()}, ${randomBytes(32)}, ${stale.wrapped_key}, ${stale.master_key_id}, now(), now())`,
      { code: '55000', message: `the master key ${stale.master_key_id} is retired` },
    );
  });

  it('moves the keys to the master key that the operator has put first, and creates none itself', async () => {
    const [older, newer] = [randomBytes(32), randomBytes(32)];
    const sealed = await keyringOf(sql, fileKms(path, [older])).seal(secret, HERE);
    const same = await rotate({ sql, kms: fileKms(path, [older]) });
    assert.deepEqual([same.is_new_master_key, same.retired], [false, []]);
    const both = fileKms(path, [newer, older]);
    const moved = await rotate({ sql, kms: both });
    assert.equal(moved.is_new_master_key, true);
    assert.deepEqual([moved.retired, moved.destroyed], [[same.master_key_id], []]);
    assert.deepEqual(await keyringOf(sql, fileKms(path, [newer])).open(sealed, HERE), secret);
  });

  it('moves the keys from the file to a service, and there from version to version', async () => {
    const sealed = await keyringOf(sql, kms).seal(secret, HERE);
    const server = await startTransitServer();
    try {
      server.makeKey('transit', 'onevault');
      const transit = createVaultTransitKms({ url: server.url, token: server.token, key: 'onevault' });
      const moved = await rotate({ sql, kms: createKmsSet(transit, kms) });
      assert.equal(moved.master_key_id, 'transit:transit/onevault:v1');
      assert.equal(moved.destroyed.length, 1);
      assert.deepEqual(await keyringOf(sql, transit).open(sealed, HERE), secret);
      const next = await rotate({ sql, kms: transit });
      assert.equal(next.master_key_id, 'transit:transit/onevault:v2');
      assert.deepEqual(next.retired, [moved.master_key_id]);
      server.disableBelow('transit', 'onevault', 2);
      assert.deepEqual(await keyringOf(sql, transit).open(sealed, HERE), secret);
    } finally {
      await server.close();
    }
  });

  it('stops at a key that it cannot unwrap, and retires nothing', async () => {
    const { key_id } = await addSubject();
    await addSubject();
    await sql`
      update privacy.subject_key
      set wrapped_key = set_byte(wrapped_key, 20, 255 - get_byte(wrapped_key, 20))
      where subject_key_id = ${key_id}`;
    await assert.rejects(rotate(), {
      name: 'UnwrapError',
      message: `The key ${key_id} of privacy.subject_key cannot be unwrapped: its bytes were changed, or they belong to another key. Restore the row from a backup.`,
    });
    assert.equal(keysInFile().length, 2);
    const states = (await listKeys(sql, kms)).master_keys.map(({ state }) => state);
    assert.deepEqual(states, ['wraps', 'unwraps']);
  });
});
