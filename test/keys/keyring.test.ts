import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { fixedClock, instantOf } from '../../src/core/clock.ts';
import { createDataKeyStore, type DataKeyStore } from '../../src/keys/data-keys.ts';
import { createKeyCache } from '../../src/keys/key-cache.ts';
import type { KeyUse } from '../../src/keys/keyring.ts';
import { KmsError } from '../../src/keys/kms.ts';
import { UnsealError } from '../../src/keys/sealed.ts';
import { createVaultTransitKms } from '../../src/keys/vault-transit-kms.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { keyringOf } from '../support/keyring.ts';
import { fileKms, HERE, keyFolder } from './key-fixture.ts';
import { startTransitServer } from './transit-fixture.ts';

const secret = Buffer.from('a secret');

describe('the keyring', () => {
  let database: TestDatabase;
  let folder: string;
  let path: string;
  beforeEach(async () => {
    database = await createTestDatabase();
    ({ folder, path } = keyFolder());
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true, force: true });
    await database.drop();
  });
  const keyCount = async (): Promise<number> =>
    (await database.sql<{ n: number }[]>`select count(*) as n from privacy.data_key`)[0]!.n;

  it('creates a data key with the first seal, and opens in every process what one process has sealed', async () => {
    const [mine, other] = [keyringOf(database.sql, fileKms(path)), keyringOf(database.sql, fileKms(path))];
    assert.equal(await keyCount(), 0);
    const sealed = await mine.seal(secret, HERE);
    assert.deepEqual(await other.open(sealed, HERE), secret);
    assert.deepEqual(await mine.open(await other.seal(secret, HERE), HERE), secret);
    assert.equal(await keyCount(), 1);
    const [stored] = await database.sql<{ wrapped_key: string }[]>`select wrapped_key from privacy.data_key`;
    assert.notEqual(stored!.wrapped_key.length, 64, 'no key lies in clear');
  });

  it('refuses a value that was moved to another row, tenant, table or column of the database', async () => {
    const keyring = keyringOf(database.sql, fileKms(path));
    const { sql } = database;
    await sql`create table sealed (tenant text, row_key text, name bytea, mail bytea, primary key (tenant, row_key))`;
    const place = (tenant: string, row: string, column: string) => ({ table: 'sealed', tenant, row, column });
    for (const [tenant, row] of [
      ['a', '1'],
      ['a', '2'],
      ['b', '1'],
    ] as const) {
      const [name, mail] = await Promise.all(
        ['name', 'mail'].map((column) => keyring.seal(secret, place(tenant, row, column))),
      );
      await sql`insert into sealed (tenant, row_key, name, mail) values (${tenant}, ${row}, ${name!}, ${mail!})`;
    }
    const openAll = async () => {
      const rows = await sql<{ tenant: string; row_key: string; name: string; mail: string }[]>`
        select tenant, row_key, name, mail from sealed order by tenant, row_key`;
      return Promise.all(
        rows.flatMap(({ tenant, row_key, ...columns }) =>
          Object.entries(columns).map(([column, hex]) =>
            keyring.open(Buffer.from(hex, 'hex'), place(tenant, row_key, column)).then(
              () => 'opens',
              (error: unknown) => (error instanceof UnsealError ? 'refused' : String(error)),
            ),
          ),
        ),
      );
    };
    const all = Array.from({ length: 6 }, () => 'opens');
    assert.deepEqual(await openAll(), all);
    const swap = (one: string, two: string, column = 'name') => sql`
      update sealed s
      set ${sql(column)} = (select o.${sql(column)} from sealed o where o.tenant || o.row_key = case when s.tenant || s.row_key = ${one} then ${two} else ${one} end)
      where s.tenant || s.row_key in (${one}, ${two})`;
    for (const [one, two, touched] of [
      ['a1', 'a2', [0, 2]],
      ['a1', 'b1', [0, 4]],
    ] as const) {
      await swap(one, two);
      const expected = all.map((as_it_was, at) =>
        (touched as readonly number[]).includes(at) ? 'refused' : as_it_was,
      );
      assert.deepEqual(await openAll(), expected);
      await swap(one, two);
    }
    assert.deepEqual(await openAll(), all);
    await sql`update sealed set name = mail, mail = name where tenant = 'b'`;
    assert.deepEqual(await openAll(), [...all.slice(0, 4), 'refused', 'refused']);
  });

  it('names the unknown key, or the missing master key, in its error', async () => {
    const keyring = keyringOf(database.sql, fileKms(path));
    const sealed = await keyring.seal(secret, HERE);
    const foreign = Buffer.from(sealed);
    foreign.write('0190bbbb00007000800000000000000f', 1, 'hex');
    await assert.rejects(keyring.open(foreign, HERE), {
      name: 'UnsealError',
      message:
        'A sealed value of customer_pii_s.pii cannot be opened: its key 0190bbbb-0000-7000-8000-00000000000f is not known.',
    });
    const given = randomBytes(32);
    const elsewhere = keyFolder();
    const stranger = keyringOf(database.sql, fileKms(elsewhere.path, [given]));
    await assert.rejects(stranger.open(sealed, HERE), (error: Error) => {
      assert.ok(error instanceof UnsealError);
      assert.match(error.message, /The master key local:[0-9a-f]{16} is not at hand \(at hand: local:[0-9a-f]{16}\)/);
      assert.equal(`${error.stack}${String(error.cause)}`.includes(given.toString('hex')), false);
      return true;
    });
    rmSync(elsewhere.folder, { recursive: true });
  });

  it('detects that a wrapped key was put in the place of another', async () => {
    const kms = fileKms(path);
    const { sql } = database;
    const first = await keyringOf(sql, kms).seal(secret, HERE);
    await createDataKeyStore(sql, () => instantOf(Date.now())).insert('0190cccc-0000-7000-8000-000000000000', (place) =>
      kms.wrap(randomBytes(32), place),
    );
    await sql`
      update privacy.data_key k
      set wrapped_key = (select o.wrapped_key from privacy.data_key o where o.data_key_id <> k.data_key_id)`;
    await assert.rejects(
      keyringOf(sql, kms).open(first, HERE),
      /cannot be unwrapped: its bytes were changed, or they belong to another key/,
    );
  });

  it('forbids any change of a data key except its wrapping, and its deletion', async () => {
    const { sql } = database;
    await keyringOf(sql, fileKms(path)).seal(secret, HERE);
    for (const attempt of [
      () => sql`delete from privacy.data_key`,
      () => sql`truncate privacy.data_key cascade`,
      () => sql`update privacy.data_key set created_at = now()`,
      () => sql`update privacy.data_key set data_key_id = gen_random_uuid()`,
    ]) {
      await assert.rejects(async () => attempt(), { code: '42501' });
    }
  });

  it('opens values of known keys while the key management service is down, and reports the outage for all others', async () => {
    const server = await startTransitServer();
    server.makeKey('transit', 'onevault');
    const kms = createVaultTransitKms({
      url: server.url,
      token: server.token,
      key: 'onevault',
      timeout_ms: 200,
      retry_delay_ms: 1,
    });
    const { sql } = database;
    const [mine, fresh] = [keyringOf(sql, kms), keyringOf(sql, kms)];
    const sealed = await mine.seal(secret, HERE);
    await server.close();
    assert.deepEqual(await mine.open(sealed, HERE), secret);
    assert.deepEqual(await mine.open(await mine.seal(secret, HERE), HERE), secret);
    await assert.rejects(fresh.open(sealed, HERE), (error: Error) => {
      assert.ok(error instanceof KmsError);
      assert.equal(error.is_temporary, true);
      assert.match(error.message, /^The key management service at http:.* does not answer: ECONNREFUSED\.$/);
      assert.equal(error.message.includes(server.token), false);
      return true;
    });
    mine.close();
    await assert.rejects(mine.open(sealed, HERE), KmsError, 'a closed keyring has forgotten its keys');
  });

  it('continues to seal while the database is down, with its current block of seals', async () => {
    const clock = fixedClock('2026-11-21T10:00:00Z');
    const store = createDataKeyStore(database.sql, () => instantOf(clock.now()));
    let is_away = false;
    const flaky = new Proxy(store, {
      get: (target, name: keyof DataKeyStore) =>
        is_away ? () => Promise.reject(new Error('the database is away')) : target[name],
    });
    const keyring = keyringOf(database.sql, fileKms(path), { clock, store: flaky });
    await keyring.seal(secret, HERE);
    is_away = true;
    clock.advance(60_000);
    const sealed = await keyring.seal(secret, HERE);
    assert.deepEqual(await keyring.open(sealed, HERE), secret);
  });

  it('creates another key before a key reaches its limit of seals, counted over all processes', async () => {
    const { sql } = database;
    const kms = fileKms(path);
    await keyringOf(sql, kms).seal(secret, HERE);
    await sql`update privacy.data_key_seals set reserved = ${2 ** 30 - 2 ** 16 - 1}`;
    await keyringOf(sql, kms).seal(secret, HERE);
    assert.equal(await keyCount(), 1);
    await keyringOf(sql, kms).seal(secret, HERE);
    assert.equal(await keyCount(), 2);
    const [row] = await sql<{ most: number }[]>`select max(reserved) as most from privacy.data_key_seals`;
    assert.ok(row!.most <= 2 ** 30);
  });

  it('reserves one block of seals, however many seal at once, and another when it is used up', async () => {
    const keyring = keyringOf(database.sql, fileKms(path));
    const reserved = async () =>
      (await database.sql<{ n: number }[]>`select sum(reserved)::bigint as n from privacy.data_key_seals`)[0]!.n;
    await Promise.all(Array.from({ length: 1_000 }, () => keyring.seal(secret, HERE)));
    assert.equal(await reserved(), 2 ** 16);
    for (let done = 1_000; done < 2 ** 16; done += 4_096) {
      const some = Math.min(4_096, 2 ** 16 - done);
      await Promise.all(Array.from({ length: some }, () => keyring.seal(secret, HERE)));
    }
    assert.equal(await reserved(), 2 ** 16);
    await keyring.seal(secret, HERE);
    assert.equal(await reserved(), 2 ** 17);
  });

  it('reports every use, and unwraps a key once', async () => {
    const uses: KeyUse[] = [];
    const keyring = keyringOf(database.sql, fileKms(path), { observe: (use) => uses.push(use) });
    const sealed = await keyring.seal(secret, HERE);
    await Promise.all(Array.from({ length: 50 }, () => keyring.open(sealed, HERE)));
    const operations = uses.map(({ operation }) => operation);
    assert.deepEqual(operations.slice(0, 3), ['create', 'unwrap', 'seal']);
    assert.equal(operations.filter((each) => each === 'unwrap').length, 1);
    assert.equal(operations.filter((each) => each === 'open').length, 50);
    assert.equal(new Set(uses.map(({ data_key_id }) => data_key_id)).size, 1);
  });
});

describe('the key cache', () => {
  it('is bounded, and overwrites keys that it evicts or clears', async () => {
    const cache = createKeyCache(2);
    const made = new Map<string, Buffer>();
    const load = (id: string) => async () => {
      made.set(id, Buffer.alloc(32, id));
      return made.get(id)!;
    };
    const use = (id: string) => cache.withKey(id, load(id), (key) => key[0] !== 0);
    for (const id of ['a', 'b', 'a', 'c']) assert.equal(await use(id), true);
    const isErased = (id: string) => made.get(id)!.every((byte) => byte === 0);
    assert.deepEqual(['a', 'b', 'c'].map(isErased), [false, true, false], 'the one used longest ago goes');
    cache.clear();
    assert.deepEqual(['a', 'b', 'c'].map(isErased), [true, true, true]);
    assert.equal(await use('a'), true, 'and is fetched again');
  });

  it('never returns an overwritten key, however many requests compete for the room', async () => {
    const cache = createKeyCache(1);
    const ids = Array.from({ length: 20 }, (_, at) => String.fromCharCode(97 + at));
    const used = await Promise.all(
      Array.from({ length: 400 }, (_, at) => {
        const id = ids[at % ids.length]!;
        return cache.withKey(
          id,
          async () => Buffer.alloc(32, id),
          (key) => key.toString() === id.repeat(32),
        );
      }),
    );
    assert.ok(used.every((is_whole) => is_whole === true));
  });

  it('loads a key again after a failure, and once for many requests at a time', async () => {
    const cache = createKeyCache(4);
    let loads = 0;
    const failing = async (): Promise<Buffer> => {
      loads += 1;
      throw new Error('away');
    };
    const results = await Promise.allSettled([1, 2, 3].map(() => cache.withKey('a', failing, () => 1)));
    assert.ok(results.every(({ status }) => status === 'rejected'));
    assert.equal(loads, 1);
    assert.equal(
      await cache.withKey(
        'a',
        async () => Buffer.alloc(32, 1),
        () => 2,
      ),
      2,
    );
    assert.equal(
      await cache.withKey(
        'b',
        async () => null,
        () => 2,
      ),
      null,
    );
  });
});
