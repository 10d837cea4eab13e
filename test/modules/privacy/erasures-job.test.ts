import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLog } from '../../../src/core/log.ts';
import { type JobRun, runJob } from '../../../src/jobs/run-job.ts';
import { type Kms, KmsError } from '../../../src/keys/kms.ts';
import { createVaultTransitKms } from '../../../src/keys/vault-transit-kms.ts';
import type { PrivacyDeps } from '../../../src/modules/privacy/deps.ts';
import { type ErasureCertificate, eraseSubject, findErasure } from '../../../src/modules/privacy/erasures.ts';
import { createSubjectKms } from '../../../src/server/open-subject-kms.ts';
import { fileKms, keyFolder } from '../../keys/key-fixture.ts';
import { startTransitServer } from '../../keys/transit-fixture.ts';
import { jobDeps } from '../../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { decider, newSubject, privacyDeps } from './privacy-fixture.ts';

describe('the erasures job', () => {
  let database: TestDatabase;
  let folder: string;
  let path: string;

  beforeEach(async () => {
    database = await createTestDatabase();
    ({ folder, path } = keyFolder());
  });
  afterEach(async () => {
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  const subjectKms = (kms: Kms) => createSubjectKms({ kms, database_url: database.url, log: silentLog });
  const erase = async (deps: PrivacyDeps, subject: string): Promise<ErasureCertificate> =>
    (await eraseSubject(deps, { subject, reason: 'Art. 17 request' }, decider)).certificate;
  const copiesOf = async ({ id }: ErasureCertificate) => (await findErasure(database.sql, id)).copies;
  const runWith = (open_subject_kms: () => Promise<PrivacyDeps['subject_kms']>): Promise<JobRun> => {
    const deps = { ...jobDeps(database, systemClock), open_subject_kms };
    return runJob(deps, 'erasures', { at: new Date().toISOString() });
  };
  const run = (kms: Kms): Promise<JobRun> => runWith(async () => subjectKms(kms));
  const rotations = async (): Promise<number> =>
    (await database.sql`select 1 from privacy.key_rotation where completed_at is not null`).length;

  it('needs no master key while no erasure is pending', async () => {
    const kms = fileKms(path);
    const deps = privacyDeps(database, kms);
    const { subject } = await newSubject(deps);
    assert.equal((await erase(deps, subject)).copies.status, 'worthless');
    const done = await runWith(() => Promise.reject(new Error('it was asked for')));
    assert.deepEqual([done.rows_out, done.left_undone], [0, undefined]);
  });

  it('completes erasures that failed because the key management service was down', async () => {
    const kms = fileKms(path);
    const away = async (): Promise<never> => {
      throw new KmsError('the service is away', { is_temporary: true });
    };
    const dead: Kms = {
      ...kms,
      list: away,
      rotate: away,
      destroy: away,
      wrap: away,
      unwrap: away,
      rewrap: away,
    };
    const { subject, backup, place } = await newSubject(privacyDeps(database, kms));
    const certificate = await erase(privacyDeps(database, dead), subject);
    assert.equal(certificate.copies.status, 'pending');
    const failed = await run(dead);
    assert.equal(failed.rows_out, 0);
    assert.deepEqual(failed.left_undone, ['1 erasures are pending: the service is away']);
    assert.equal((await kms.unwrap(backup, place)).length, 32, 'a backup still opens');
    const done = await run(kms);
    assert.deepEqual([done.rows_out, done.left_undone], [1, undefined]);
    assert.equal((await copiesOf(certificate)).status, 'worthless');
    await assert.rejects(kms.unwrap(backup, place), /is not at hand/);
  });

  it('waits for the operator to remove the master keys, and notices their removal', async () => {
    const [older, newer] = [randomBytes(32), randomBytes(32)];
    const deps = privacyDeps(database, fileKms(path, [older]));
    const { subject, backup } = await newSubject(deps);
    const certificate = await erase(deps, subject);
    assert.equal(certificate.copies.status, 'pending');
    const only = `1 erasures are pending: only the operator can give a master key that replaces ${backup.master_key_id}`;
    for (let runs = 0; runs < 2; runs += 1) {
      assert.deepEqual((await run(fileKms(path, [older]))).left_undone, [only]);
    }
    assert.equal(await rotations(), 0, 'a rotation would change nothing');
    for (let runs = 0; runs < 2; runs += 1) {
      assert.deepEqual((await run(fileKms(path, [newer, older]))).left_undone, [
        `1 erasures are pending: only the operator can destroy ${backup.master_key_id}`,
      ]);
    }
    assert.equal(await rotations(), 1);
    assert.equal((await run(fileKms(path, [newer]))).rows_out, 1);
    assert.equal(await rotations(), 1);
    assert.equal((await copiesOf(certificate)).status, 'worthless');
  });

  it('notices that the operator of a Transit service has trimmed the versions', async () => {
    const server = await startTransitServer();
    try {
      server.makeKey('transit', 'onevault');
      const kms = createVaultTransitKms({ url: server.url, token: server.token, key: 'onevault' });
      const deps = privacyDeps(database, kms);
      const { subject } = await newSubject(deps);
      const certificate = await erase(deps, subject);
      assert.deepEqual(certificate.copies.master_key_ids_left, ['transit:transit/onevault:v1']);
      server.disableBelow('transit', 'onevault', 2);
      const left = '1 erasures are pending: only the operator can destroy transit:transit/onevault:v1';
      for (let runs = 0; runs < 2; runs += 1) assert.deepEqual((await run(kms)).left_undone, [left]);
      assert.equal(await rotations(), 1, 'no version is made for nothing');
      server.trimBelow('transit', 'onevault', 2);
      assert.equal((await run(kms)).rows_out, 1);
      assert.equal((await copiesOf(certificate)).status, 'worthless');
    } finally {
      await server.close();
    }
  });
});
