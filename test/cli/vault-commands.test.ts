import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Output, runCommand } from '../server/product-process.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { temporaryPath } from '../support/server.ts';

describe('onevault vault', () => {
  let database: TestDatabase;
  const folder = temporaryPath();
  before(async () => {
    database = await createTestDatabase();
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await database.drop();
  });

  const run = (...args: string[]): Promise<Output> =>
    runCommand(['vault', ...args], { DATABASE_URL: database.url, ONEVAULT_DATA_DIR: folder });

  it('check reports the number of checks, and exits with 1 and the faulty rows if one guarantee is broken', async () => {
    const sound = await run('check');
    assert.equal(sound.code, 0, sound.stdout + sound.stderr);
    assert.match(sound.stdout, /^hashes +\d+ rows +sound$/m);
    assert.equal(sound.stdout.trim().split('\n').length, 11);
    assert.equal(sound.stderr.includes('█'), false, 'a bar is for a terminal');
    await database.sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      await tx`update auth.tenant_s set tenant_name = 'Thief' where tenant_hk <> decode(repeat('00', 32), 'hex')`;
    });
    const damaged = await run('check');
    assert.equal(damaged.code, 1, damaged.stderr);
    assert.match(damaged.stdout, /^hashes +\d+ rows +1 FAULTS$/m);
    assert.match(
      damaged.stdout,
      /^hashes: 1 fault\n {2}auth\.tenant_s tenant_hk=[0-9a-f]{64} .*: hash_diff should be/m,
    );
  });

  it('definitions names changes made by hand, and records them as intended with a reason', async () => {
    assert.equal((await run('definitions')).code, 0);
    await database.sql`grant delete on auth.tenant_s to onevault_gateway`;
    const changed = await run('definitions');
    assert.equal(changed.code, 1, changed.stderr);
    assert.match(changed.stdout, /^grants on auth\.tenant_s was changed since/);
    assert.match((await run('check')).stdout, /^definitions: 1 fault\n {2}grants on auth\.tenant_s was changed since/m);
    const unreasoned = await run('definitions', '--accept', ' ');
    assert.equal(unreasoned.code, 1);
    assert.match(unreasoned.stderr, /--accept: a reason is needed/);
    assert.equal((await run('definitions', '--accept', 'a trial')).code, 0);
    assert.equal((await run('definitions')).code, 0);
    const [event] = await database.sql`
      select actor_kind, reason from audit.audit_event_s where action = 'schema.record' order by load_date desc limit 1`;
    assert.deepEqual(event, { actor_kind: 'command', reason: 'a trial' });
  });

  it('docs writes the page to a new folder without a database', async () => {
    const out = join(folder, 'deep', 'docs');
    const { code, stdout } = await runCommand(['vault', 'docs', '--out', out], {});
    assert.deepEqual([code, stdout.trim()], [0, join(out, 'index.html')]);
    assert.match(readFileSync(join(out, 'index.html'), 'utf8'), /^<!doctype html>[\s\S]*<svg/);
  });
});
