import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { createEventRecorder } from '../../src/audit/record-event.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createIds } from '../../src/core/ids.ts';
import { unwrapStored } from '../../src/keys/data-keys.ts';
import { createFileKms } from '../../src/keys/file-kms.ts';
import type { Kms, WrappedKey } from '../../src/keys/kms.ts';
import { rotateKeys } from '../../src/keys/rotate-keys.ts';
import { eraseSubject, findErasure } from '../../src/modules/privacy/erasures.ts';
import { type Config, readConfig } from '../../src/server/config.ts';
import { type OpenKeys, openKeyring } from '../../src/server/open-keyring.ts';
import { createVaultAccess } from '../../src/server/vault-access.ts';
import { send, startTransitServer } from '../keys/transit-fixture.ts';
import { decider, newSubject, privacyDeps } from '../modules/privacy/privacy-fixture.ts';
import { testRegistry } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { temporaryPath } from '../support/server.ts';
import { eventually, runCommand, startCommand } from './product-process.ts';

const HERE = { table: 'signing_key', tenant: null, row: 'a1' };
const secret = Buffer.from('a secret');
const nextId = createIds(systemClock);

describe('the keys of the product', function () {
  this.timeout(300_000);
  let database: TestDatabase;
  let folder: string;
  let logged: string;
  let opened: OpenKeys[];
  beforeEach(async () => {
    database = await createTestDatabase();
    folder = temporaryPath();
    mkdirSync(folder, { mode: 0o700 });
    logged = '';
    opened = [];
  });
  afterEach(async () => {
    for (const keys of opened) await keys.close();
    rmSync(folder, { recursive: true, force: true });
    await database.drop();
  });

  const environment = (more: Record<string, string> = {}) => ({
    DATABASE_URL: database.url,
    ONEVAULT_DATA_DIR: folder,
    ...more,
  });
  const configure = (more: Record<string, string> = {}): Config => readConfig(environment(more), '/');
  const open = async (config: Config): Promise<OpenKeys> => {
    const write = (line: string) => {
      logged += line;
    };
    const log = pino({ name: 'test' }, { write });
    const vault = createVaultAccess({ sql: database.sql, clock: systemClock, registry: testRegistry() });
    const keys = await openKeyring(config, database.sql, log, createEventRecorder(vault, 'command'));
    opened.push(keys);
    return keys;
  };
  const file = () => join(folder, 'master-keys.json');
  const events = () => database.sql<{ action: string; reason: string; actor: string; event_count: number }[]>`
    select action, reason, actor, event_count
    from audit.audit_event_s
    where action like 'key.%'
    order by load_date, reason`;

  it('need no setting: a private file is created, with a warning that contains no key', async () => {
    const { keyring } = await open(configure());
    const sealed = await keyring.seal(secret, HERE);
    assert.equal(statSync(file()).mode & 0o777, 0o600);
    assert.match(logged, /"level":40.*a master key was made, and lies in this file only/);
    const [key] = JSON.parse(readFileSync(file(), 'utf8')).keys;
    assert.equal(logged.includes(key.key), false);
    logged = '';
    assert.deepEqual(await (await open(configure())).keyring.open(sealed, HERE), secret);
    assert.equal(logged, '', 'the second start makes none');
  });

  it('are recorded in the audit log: the first use of each at once, the others as a count', async () => {
    const keys = await open(configure());
    const sealed = await keys.keyring.seal(secret, HERE);
    for (let i = 0; i < 9; i += 1) await keys.keyring.open(sealed, HERE);
    await keys.close();
    const recorded = await events();
    const total = (reason: string) =>
      recorded.filter((event) => event.reason === reason).reduce((sum, { event_count }) => sum + event_count, 0);
    assert.deepEqual(['create', 'unwrap', 'seal', 'open'].map(total), [1, 1, 1, 9]);
    assert.ok(recorded.length <= 5, `${recorded.length} events for twelve uses`);
    assert.ok(recorded.every(({ actor }) => actor === 'test'));
    const rows = JSON.stringify(await database.sql`select * from audit.audit_event_s`);
    assert.equal(rows.includes(JSON.parse(readFileSync(file(), 'utf8')).keys[0].key), false);
  });

  it('prevent the start with another master key, and both are named by their ids', async () => {
    const [right, wrong] = [randomBytes(32).toString('base64'), randomBytes(32).toString('hex')];
    await (await open(configure({ ONEVAULT_MASTER_KEY: right }))).keyring.seal(secret, HERE);
    assert.equal(existsSync(file()), false);
    await assert.rejects(open(configure({ ONEVAULT_MASTER_KEY: wrong })), (error: Error) => {
      assert.equal(error.name, 'StartupError');
      assert.match(
        error.message,
        /^The database holds keys that are wrapped under local:[0-9a-f]{16}, and only local:[0-9a-f]{16} is at hand\./,
      );
      assert.equal(error.message.includes(wrong) || error.message.includes(right), false);
      return true;
    });
    await assert.rejects(open(configure()), /and no master key is at hand\. Put back the file/);
    assert.equal(existsSync(file()), false, 'a new file would hide that the right one is missing');
    await open(configure({ ONEVAULT_MASTER_KEY: `${wrong},${right}` }));
  });

  it('prevent the start without their file, which is not replaced', async () => {
    await (await open(configure())).keyring.seal(secret, HERE);
    renameSync(file(), join(folder, 'elsewhere'));
    await assert.rejects(open(configure()), /no master key is at hand/);
    assert.equal(existsSync(file()), false);
  });

  it('wait for an unreachable service, and prevent the start if the service refuses', async () => {
    const server = await startTransitServer();
    try {
      const settings = { ONEVAULT_KMS_URL: server.url, ONEVAULT_KMS_TOKEN: server.token };
      await assert.rejects(open(configure(settings)), /There is no key onevault at http.*vault write -f/);
      server.makeKey('transit', 'onevault');
      await assert.rejects(open(configure({ ...settings, ONEVAULT_KMS_TOKEN: 'hvs.no' })), /Check ONEVAULT_KMS_TOKEN/);
      for (let i = 0; i < 3; i += 1) server.faults.push((res) => send(res, 503, { errors: ['Vault is sealed'] }));
      const { keyring } = await open(configure(settings));
      assert.match(logged, /the master keys are out of reach/);
      assert.deepEqual(await keyring.open(await keyring.seal(secret, HERE), HERE), secret);
      assert.equal(existsSync(file()), false);
      assert.equal(logged.includes(server.token), false);
    } finally {
      await server.close();
    }
  });

  it('are rotated by a command, which reports its steps and writes an audit event', async () => {
    const { keyring } = await open(configure());
    const sealed = await keyring.seal(secret, HERE);
    const before = readFileSync(file(), 'utf8');
    const { code, stdout, stderr } = await runCommand(['keys', 'rotate'], environment());
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^rotation [0-9a-f-]{36} is complete\nmaster key {4}local:[0-9a-f]{16}\n/);
    assert.match(stdout, /\ndestroyed {5}local:[0-9a-f]{16}\n/);
    assert.notEqual(readFileSync(file(), 'utf8'), before);
    assert.deepEqual(await keyring.open(sealed, HERE), secret);
    assert.deepEqual(await (await open(configure())).keyring.open(sealed, HERE), secret);
    const [rotated] = await database.sql<{ after: { destroyed: string[] }; outcome: string }[]>`
      select after, outcome from audit.audit_event_s where action = 'key.rotate'`;
    assert.equal(rotated?.outcome, 'succeeded');
    assert.deepEqual(rotated?.after.destroyed, [JSON.parse(before).keys[0].master_key_id]);

    const listed = await runCommand(['keys', 'status'], environment());
    assert.equal(listed.code, 0, listed.stderr);
    assert.match(listed.stdout, / wraps +2 keys under it/);
    assert.match(listed.stdout, / destroyed +0 keys under it/);
    for (const text of [stdout, stderr, listed.stdout, listed.stderr]) {
      for (const written of [before, readFileSync(file(), 'utf8')]) {
        assert.equal(text.includes(JSON.parse(written).keys[0].key), false);
      }
    }
    const refused = await runCommand(['keys', 'rotate'], environment({ ONEVAULT_DATA_DIR: temporaryPath() }));
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /onevault: The database holds keys that are wrapped under local:/);
  });

  it('are rotated twice if the first rotation completes one that is older than an erasure', async () => {
    const kms = createFileKms({ path: file(), given_keys: [], clock: systemClock });
    kms.createMasterKey();
    const deps = privacyDeps(database, kms);
    const { subject, backup, place } = await newSubject(deps);
    const dead: Kms = { ...kms, rewrap: () => Promise.reject(new Error('it died here')) };
    const input = { keep_old: false, complete: () => Promise.reject(new Error('it never comes so far')) };
    await assert.rejects(rotateKeys({ ...deps, kms: dead }, input), /it died here/);
    const away = { ...deps.subject_kms, destroyMasterKeys: async () => 'away' };
    const asked = { subject, reason: 'Art. 17 request' };
    const { certificate } = await eraseSubject({ ...deps, subject_kms: away }, asked, decider);
    assert.equal(certificate.copies.master_key_ids_left.length, 2);
    const { code, stdout, stderr } = await runCommand(['keys', 'rotate'], environment());
    assert.equal(code, 0, stderr);
    assert.equal(stdout.match(/^rotation .* is complete/gm)?.length, 2);
    assert.equal((await findErasure(database.sql, certificate.id)).copies.status, 'worthless');
    await assert.rejects(kms.unwrap(backup, place), /is not at hand/);
  });

  it('stay usable when the rotating command is killed repeatedly, and the next command continues', async () => {
    const { keyring } = await open(configure());
    const sealed = [await keyring.seal(secret, HERE)];
    const kms = createFileKms({ path: file(), given_keys: [], clock: systemClock });
    const subjects = await Promise.all(Array.from({ length: SUBJECTS }, () => addSubject(database, kms)));
    let killed_under_way = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const before = await states(database);
      const running = startCommand(['keys', 'rotate'], environment());
      await eventually('a rotation under way', async () =>
        running.hasEnded() || (await states(database)).open > 0 ? true : undefined,
      );
      await sleep(Math.random() * MAX_WAIT_MS);
      const { signal } = await running.kill('SIGKILL');
      const after = await states(database);
      if (signal === 'SIGKILL' && after.open > 0) killed_under_way += 1;
      assert.ok(after.master_keys <= before.master_keys + 1, 'no master key is made for one that was killed');
      sealed.push(await keyring.seal(secret, HERE), await (await open(configure())).keyring.seal(secret, HERE));
    }
    assert.ok(killed_under_way > 0, 'some of them died under way');
    const last = await runCommand(['keys', 'rotate'], environment());
    assert.equal(last.code, 0, last.stderr);
    const { keys } = JSON.parse(readFileSync(file(), 'utf8')) as { keys: object[] };
    assert.equal(keys.length, 1, 'every older master key is destroyed');
    const fresh = (await open(configure())).keyring;
    for (const each of sealed) assert.deepEqual(await fresh.open(each, HERE), secret);
    for (const { key_id, key } of subjects) {
      const place = { table: 'privacy.subject_key', key_id };
      assert.deepEqual(await unwrapStored(kms, place, () => readSubject(database, key_id)), key);
    }
    const { open: left, completed, recorded } = await states(database);
    assert.deepEqual([left, recorded], [0, completed], 'each rotation is recorded once');
  }).timeout(600_000);
});

const SUBJECTS = 400;
const KILLS = 6;
const MAX_WAIT_MS = 600;

const addSubject = async ({ sql }: TestDatabase, kms: Kms) => {
  const [key_id, key] = [nextId(), randomBytes(32)];
  const { wrapped_key, master_key_id } = await kms.wrap(key, { table: 'privacy.subject_key', key_id });
  await sql`
    insert into privacy.subject_key (subject_key_id, customer_hk, wrapped_key, master_key_id, created_at, wrapped_at)
    values (${key_id}, ${randomBytes(32)}, ${wrapped_key}, ${master_key_id}, now(), now())`;
  return { key_id, key };
};

const readSubject = async ({ sql }: TestDatabase, key_id: string): Promise<WrappedKey | null> => {
  const [row] = await sql<{ wrapped_key: string; master_key_id: string }[]>`
    select wrapped_key, master_key_id from privacy.subject_key where subject_key_id = ${key_id}`;
  return row === undefined ? null : { ...row, wrapped_key: Buffer.from(row.wrapped_key, 'hex') };
};

const states = async ({ sql }: TestDatabase) => {
  const [row] = await sql<{ open: number; completed: number; recorded: number; master_keys: number }[]>`
    select
      (select count(*) from privacy.key_rotation where completed_at is null) as open,
      (select count(*) from privacy.key_rotation where completed_at is not null) as completed,
      (select count(*) from audit.audit_event_s where action = 'key.rotate' and outcome = 'succeeded') as recorded,
      (select count(*) from privacy.master_key) as master_keys`;
  return row!;
};
