import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { userInfo } from 'node:os';
import { type Output, runCommand } from '../server/product-process.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { temporaryPath } from '../support/server.ts';

interface RecordedEvent {
  readonly actor_kind: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string | null;
  readonly outcome: string;
  readonly reason: string | null;
}

describe('the audit events of commands', () => {
  let database: TestDatabase;
  const folder = temporaryPath();
  const user = userInfo().username;

  before(async () => {
    database = await createTestDatabase();
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await database.drop();
  });

  const run = (...args: string[]): Promise<Output> =>
    runCommand(args, { DATABASE_URL: database.url, ONEVAULT_DATA_DIR: folder });

  const recorded = async (action: string): Promise<RecordedEvent[]> => [
    ...(await database.sql<RecordedEvent[]>`
      select actor_kind, actor, action, subject, outcome, reason
      from audit.audit_event_s
      where action = ${action}
      order by applied_date`),
  ];

  it('name the user of the machine who ran a job, and its outcome', async () => {
    const done = await run('job', 'partitions');
    assert.equal(done.code, 0, done.stderr);
    const failed = await run('job', 'no-such-job');
    assert.equal(failed.code, 1);
    const job = { actor_kind: 'command', actor: user, action: 'job.run' };
    assert.deepEqual(
      (await recorded('job.run')).map((row) => ({ ...row })),
      [
        { ...job, subject: 'partitions', outcome: 'succeeded', reason: null },
        { ...job, subject: 'no-such-job', outcome: 'failed', reason: 'InputError' },
      ],
    );
  });

  it('report a check of the vault, and its findings', async () => {
    const found = async (action: string) => [
      ...(await database.sql<{ actor: string; outcome: string; after: object }[]>`
        select actor, outcome, after
        from audit.audit_event_s
        where action = ${action}
        order by applied_date`),
    ];
    const ran = { actor: user, outcome: 'succeeded' };
    assert.equal((await run('vault', 'check')).code, 0);
    assert.deepEqual(await found('vault.check'), [{ ...ran, after: { faults: 0 } }]);
    await database.sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      await tx`update auth.tenant_s set tenant_name = 'Thief' where tenant_hk <> decode(repeat('00', 32), 'hex')`;
    });
    assert.equal((await run('vault', 'check')).code, 1);
    assert.deepEqual((await found('vault.check'))[1], { ...ran, after: { faults: 1 } });
  });

  it('are written before the first byte of a report: without the event there is no report', async () => {
    const period = ['--from', '2026-11-01T00:00:00Z', '--to', '2026-11-02T00:00:00Z'];
    const pulled = await run('report', 'hipaa-activity', ...period);
    assert.equal(pulled.code, 0, pulled.stderr);
    const [event] = await recorded('report.pull');
    assert.deepEqual([event!.actor_kind, event!.actor, event!.outcome], ['command', user, 'succeeded']);
    assert.ok(pulled.stdout.includes(event!.subject!), 'the event names the report');
    const { sql } = database;
    await sql`create function refuse_event() returns trigger language plpgsql as $$
      begin raise exception 'the disk is full'; end $$`;
    await sql`create trigger refuse_all before insert on audit.audit_event_s
      for each statement execute function refuse_event()`;
    try {
      const refused = await run('report', 'hipaa-activity', ...period);
      assert.deepEqual([refused.code, refused.stdout], [1, '']);
    } finally {
      await sql`drop trigger refuse_all on audit.audit_event_s`;
    }
  });
});
