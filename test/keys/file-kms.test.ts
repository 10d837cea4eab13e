import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import { createFileKms } from '../../src/keys/file-kms.ts';
import { KmsError, UnknownMasterKeyError, UnwrapError } from '../../src/keys/kms.ts';
import { fileKms, keyFolder } from './key-fixture.ts';

const place = { table: 'privacy.data_key', key_id: '0190aaaa-0000-7000-8000-000000000000' };

describe('the file key management service', () => {
  const key = randomBytes(32);
  let folder: string;
  let path: string;
  beforeEach(() => {
    ({ folder, path } = keyFolder());
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('creates its file once, readable for the owner only', async () => {
    const kms = createFileKms({ path, given_keys: [], clock: systemClock });
    assert.equal(kms.createMasterKey(), true);
    const text = readFileSync(path, 'utf8');
    assert.equal(kms.createMasterKey(), false);
    assert.equal(readFileSync(path, 'utf8'), text);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), ['master-keys.json'], 'no draft is left');
    assert.equal((await kms.list()).length, 1);
  });

  it('unwraps keys that it wrapped, only in their place and only unchanged', async () => {
    const kms = fileKms(path);
    const wrapped = await kms.wrap(key, place);
    assert.deepEqual(await kms.unwrap(wrapped, place), key);
    assert.equal(wrapped.wrapped_key.includes(key), false);
    await assert.rejects(kms.unwrap(wrapped, { ...place, table: 'privacy.subject_key' }), UnwrapError);
    await assert.rejects(kms.unwrap(wrapped, { ...place, key_id: 'other' }), UnwrapError);
    for (let bit = 0; bit < wrapped.wrapped_key.length * 8; bit += 1) {
      const changed = Buffer.from(wrapped.wrapped_key);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      await assert.rejects(kms.unwrap({ ...wrapped, wrapped_key: changed }, place), UnwrapError);
    }
    await assert.rejects(kms.unwrap({ ...wrapped, wrapped_key: Buffer.alloc(0) }, place), UnwrapError);
  });

  it('wraps under the newest master key, unwraps under each, and not under a destroyed one', async () => {
    const kms = fileKms(path);
    const old = await kms.wrap(key, place);
    assert.equal(await kms.rotate(), true);
    const fresh = await kms.rewrap(old, place);
    assert.notEqual(fresh.master_key_id, old.master_key_id);
    assert.deepEqual(await kms.unwrap(old, place), key);
    assert.deepEqual(await kms.unwrap(fresh, place), key);
    const relabelled = { ...old, master_key_id: fresh.master_key_id };
    await assert.rejects(kms.unwrap(relabelled, place), UnwrapError);

    const secret = JSON.parse(readFileSync(path, 'utf8')).keys[1].key as string;
    // A second name for the file's content, as the block of a disk would keep it.
    const held = join(folder, 'held');
    linkSync(path, held);
    assert.equal(await kms.destroy(old.master_key_id), true);
    assert.equal(readFileSync(path, 'utf8').includes(secret), false);
    assert.match(readFileSync(held, 'latin1'), /^\0+$/, 'the old content is overwritten');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(await kms.destroy(old.master_key_id), true, 'again');
    await assert.rejects(kms.unwrap(old, place), {
      name: 'UnknownMasterKeyError',
      message: `The master key ${old.master_key_id} is not at hand (at hand: ${fresh.master_key_id}). Restore it.`,
    });
    assert.deepEqual(await kms.unwrap(fresh, place), key);
  });

  it('uses a new master key of another process at once', async () => {
    const [mine, other] = [fileKms(path), fileKms(path)];
    await other.rotate();
    const wrapped = await other.wrap(key, place);
    assert.deepEqual(await mine.unwrap(wrapped, place), key);
    assert.equal((await mine.wrap(key, place)).master_key_id, wrapped.master_key_id);
  });

  it('refuses a file that other users may read', async () => {
    const kms = fileKms(path);
    for (const mode of [0o640, 0o604, 0o666]) {
      chmodSync(path, mode);
      await assert.rejects(kms.wrap(key, place), (error: Error) => {
        assert.ok(error instanceof KmsError);
        assert.match(error.message, new RegExp(`is open to other users \\(mode ${mode.toString(8)}\\).*chmod 600`));
        return true;
      });
    }
  });

  it('neither replaces nor reveals a damaged file of master keys', async () => {
    const kms = fileKms(path);
    const whole = readFileSync(path, 'utf8');
    const secret = JSON.parse(whole).keys[0].key as string;
    const damaged = [
      ...['', '{', 'null', '[]', '{"version":2}', '{"version":1,"keys":[]}', '{"version":1,"keys":[null]}'],
      ...[whole.slice(0, -20), whole.replace(/[0-9a-f]{16}/, '0123456789abcdef'), whole.replace(secret, 'AAAA')],
      ...[whole.replace(secret, secret.slice(0, -4))],
    ];
    for (const text of damaged) {
      writeFileSync(path, text);
      for (const attempt of [() => kms.wrap(key, place), () => kms.list(), async () => kms.createMasterKey()]) {
        await assert.rejects(attempt, (error: Error) => {
          assert.ok(error instanceof KmsError);
          assert.match(error.message, /is damaged: restore it from its backup/);
          assert.equal(JSON.stringify([error.message, String(error.cause)]).includes(secret.slice(0, 12)), false);
          return true;
        });
      }
      assert.equal(readFileSync(path, 'utf8'), text);
    }
  });

  it('does not replace a missing file of master keys', async () => {
    const kms = fileKms(path);
    const wrapped = await kms.wrap(key, place);
    rmSync(path);
    await assert.rejects(kms.wrap(key, place), /The file of master keys .* is missing/);
    await assert.rejects(kms.unwrap(wrapped, place), UnknownMasterKeyError);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('wraps under a master key of the environment, unwraps under those of the file, and creates no file', async () => {
    const in_file = await fileKms(path).wrap(key, place);
    const [newer, older] = [randomBytes(32), randomBytes(32)];
    const kms = fileKms(path, [newer, older]);
    const wrapped = await kms.wrap(key, place);
    assert.deepEqual(await kms.unwrap(in_file, place), key);
    assert.deepEqual(await fileKms(path, [older, newer]).unwrap(wrapped, place), key);
    assert.equal(await kms.rotate(), false, 'only the operator gives a new one');
    assert.equal(await kms.destroy(wrapped.master_key_id), false);
    assert.equal(await kms.destroy(in_file.master_key_id), true);
    assert.deepEqual(readdirSync(folder), [], 'a file without keys is no file');
    assert.equal(kms.createMasterKey(), false);
    assert.deepEqual(readdirSync(folder), []);
  });
});
