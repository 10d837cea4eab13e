import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSealedVault, type SealedVault } from '../audit/sealed-vault-fixture.ts';
import { replaceLog } from '../audit/tampering/log-tamperings.ts';
import { type Output, runCommand } from '../server/product-process.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { temporaryPath } from '../support/server.ts';

describe('onevault audit', function () {
  // Each command is a process of its own, a dozen in one test.
  this.timeout(300_000);
  let database: TestDatabase;
  let vault: SealedVault;
  let key: string;
  const folder = temporaryPath();
  const body = Buffer.from('{"model":"gpt-4o-mini"}');
  const salts = [randomBytes(16), randomBytes(16)] as const;
  const request_id = '01a1febb-86c1-731c-ab1c-0606687c14cb';
  const receipt = `v1.${salts[0].toString('hex')}.${salts[1].toString('hex')}`;
  const file = (name: string): string => join(folder, name);

  before(async () => {
    database = await createTestDatabase();
    vault = await createSealedVault(database);
    const request_commitment = createHash('sha256').update(salts[0]).update(body).digest('hex');
    await vault.sendCalls([
      { request_id, customer: 'bolt', request_timestamp: '2026-11-21T11:30:00.000Z', request_commitment },
    ]);
    await vault.seal();
    const { keys, against } = await vault.published();
    key = keys.at(-1)!;
    mkdirSync(file('checkpoints'), { recursive: true, mode: 0o700 });
    writeFileSync(file('checkpoints/2026-11-21.txt'), against.map(({ note }) => `${note}\n`).join(''));
    writeFileSync(file('body'), body);
    writeFileSync(file('other'), 'other');
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await database.drop();
  });

  const run = (...args: string[]): Promise<Output> =>
    runCommand(['audit', ...args], { DATABASE_URL: database.url, ONEVAULT_DATA_DIR: folder });
  // Nothing that a bundle's verification needs is there: no database answers at this address.
  const runOffline = (...args: string[]): Promise<Output> =>
    runCommand(['audit', ...args], { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' });

  it('exports bundles that are verified without database and network, compressed or not', async () => {
    for (const [name, ...scope] of [['all.jsonl'], ['bolt.jsonl.gz', '--customer', 'bolt']] as const) {
      const written = await run('export', ...scope, '--out', file(name));
      assert.equal(written.code, 0, written.stderr);
      const verified = await runOffline('verify', '--bundle', file(name), '--key', key);
      assert.equal(verified.code, 0, verified.stdout + verified.stderr);
      assert.match(verified.stdout, /SOUND: no fault was found/);
    }
    assert.equal(readFileSync(file('bolt.jsonl.gz')).readUInt16BE(), 0x1f8b);
    const against = await runOffline(
      'verify',
      '--bundle',
      file('bolt.jsonl.gz'),
      '--key',
      key,
      '--against',
      file('all.jsonl'),
      '--against',
      file('checkpoints/2026-11-21.txt'),
    );
    assert.equal(against.code, 0, against.stdout + against.stderr);
    assert.match(against.stdout, /checkpoints were compared/);
  });

  it('proves bodies by their receipt, from the vault and from a bundle, and reports other bodies', async () => {
    const asked = ['--receipt', receipt, '--request-id', request_id];
    const proven = await run('prove', '--request', file('body'), ...asked);
    assert.equal(proven.code, 0, proven.stdout + proven.stderr);
    assert.match(proven.stdout, /PROVEN: the request of the call was exactly the 23 bytes/);
    const bundled = await runOffline(
      'prove',
      '--request',
      file('body'),
      ...asked,
      '--bundle',
      file('all.jsonl'),
      '--key',
      key,
    );
    assert.equal(bundled.code, 0, bundled.stdout + bundled.stderr);
    const other = await run('prove', '--request', file('other'), '--response', file('other'), ...asked);
    assert.equal(other.code, 1);
    assert.match(
      other.stdout,
      /NOT PROVEN: the request[\s\S]*NOT PROVEN: the response[\s\S]*no commitment stands there/,
    );
  });

  it('proves nothing from a bundle with false statements about its tables', async () => {
    const commitment = createHash('sha256').update(salts[0]).update('other').digest('hex');
    const lines = readFileSync(file('all.jsonl'), 'utf8').trimEnd().split('\n');
    const forged = lines.map((text) => {
      const line = JSON.parse(text);
      // A column that is marked as withheld keeps the payload from being checked.
      if (line.kind === 'entity' && line.table === 'api_request_s') line.withheld = ['user_agent'];
      for (const { table, values } of line.rows?.length > 0 ? line.rows : []) {
        if (table !== 'api_request_s') continue;
        delete values.user_agent;
        if (values.request_commitment !== 'ab'.repeat(32)) values.request_commitment = commitment;
      }
      return JSON.stringify(line);
    });
    writeFileSync(file('forged.jsonl'), `${forged.join('\n')}\n`);
    const given = ['--bundle', file('forged.jsonl'), '--key', key];
    const asked = ['--request', file('other'), '--receipt', receipt, '--request-id', request_id];
    const proven = await runOffline('prove', ...asked, ...given);
    assert.equal(proven.code, 1, proven.stdout + proven.stderr);
    assert.match(proven.stdout, /the table api_request_s is described in another way than this version does/);
    assert.match(proven.stdout, /NOT proven to be as it was logged/);
  });

  it('reports each fault of its input, with the remedy', async () => {
    const faults: [string[], RegExp][] = [
      [['verify', '--bundle', file('all.jsonl')], /--key: a bundle is verified with the public key/],
      [['verify', '--bundle', file('none'), '--key', key], /none cannot be read/],
      [['verify', '--key', 'nonsense'], /--key: not a verifier key/],
      [['export', '--from', 'yesterday', '--out', file('x')], /--from: an instant is expected/],
      [['export', '--customer', 'nobody', '--out', file('x')], /there is no customer nobody/],
      [['prove', '--receipt', 'v2', '--request-id', request_id], /--receipt: the value of the header/],
      [['prove', '--receipt', receipt, '--request-id', request_id], /--request or --response/],
      [['prove', '--request', file('none'), '--receipt', receipt, '--request-id', request_id], /--request: ENOENT/],
      [['prove', '--request', file('body'), '--receipt', receipt, '--request-id', 'x'], /the vault has no call x/],
    ];
    for (const [args, expected] of faults) {
      const { code, stderr } = await run(...args);
      assert.equal(code, 1, args.join(' '));
      assert.match(stderr, expected);
    }
  });

  it('verifies the vault against its log and the files, and names each change', async () => {
    const sound = await run('verify');
    assert.equal(sound.code, 0, sound.stdout + sound.stderr);
    assert.match(sound.stdout, /Everything is here[\s\S]*seen elsewhere: 4 checkpoints[\s\S]*SOUND/);
    await database.sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      await tx`update gateway.api_request_s set customer_cost = 1 where http_status = 200 and journal_sequence = 7`;
      await tx`delete from audit.checkpoint where tree_size = (select max(tree_size) from audit.checkpoint)`;
    });
    const damaged = await run('verify');
    assert.equal(damaged.code, 1, damaged.stderr);
    assert.match(damaged.stdout, /FAULT payload: api_request_s [0-9a-f]{64} of .* does not match its hash diff/);
    assert.match(damaged.stdout, /FAULT checkpoint_gone/);
    const [, faults] = /NOT SOUND: (\d+) fault/.exec(damaged.stdout) ?? [];
    const events = await database.sql<{ after: object }[]>`
      select after
      from audit.audit_event_s
      where action = 'audit.verify'
        and outcome = 'succeeded'
      order by applied_date desc
      limit 2`;
    assert.deepEqual(
      events.map(({ after }) => after),
      [{ faults: Number(faults) }, { faults: 0 }],
    );
  });

  it('refuses another log than the one with the published checkpoints', async () => {
    await database.sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      assert(await replaceLog(tx));
    });
    // The keys are those that the database names now.
    const replaced = await run('verify');
    assert.equal(replaced.code, 1, replaced.stderr);
    assert.match(replaced.stdout, /FAULT other_key: the signature of the checkpoint of size \d+ in .*2026-11-21/);
  });
});
