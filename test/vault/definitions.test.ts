import assert from 'node:assert/strict';
import { migrateRecorded, recordDefinitions } from '../../src/server/record-definitions.ts';
import { definitions } from '../../src/vault/check/definitions.ts';
import { differencesBetween } from '../../src/vault/definitions/differences.ts';
import { readDefinitions } from '../../src/vault/definitions/read-definitions.ts';
import { readRecorded } from '../../src/vault/definitions/recorded.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const TABLE = 'gateway.api_request_s';

/** Statements that change what the database shows, keeps or refuses, and the fault that names each. */
const TAMPERINGS: Readonly<Record<string, readonly [statement: string, fault: RegExp]>> = {
  'a replaced view': [
    'create or replace view auth.tenant_s_current as select * from auth.tenant_s_history where false',
    /^view auth\.tenant_s_current was changed/,
  ],
  'another view': [
    'create view auth.extra as select 1 as one',
    /^(columns|grants|relation|view) .*auth\.extra was added/,
  ],
  'a guard that lets everything pass': [
    'create or replace function util.refuse_change() returns trigger language plpgsql as $$ begin return new; end $$',
    /^function util\.refuse_change\(\) was changed/,
  ],
  'a guard that is switched off': [
    `alter table ${TABLE} disable trigger refuse_change`,
    /^trigger refuse_change on gateway\.api_request_s(\/partitions)? was changed/,
  ],
  'a guard that is gone': [
    'drop trigger refuse_truncate on auth.tenant_s',
    /^trigger refuse_truncate on auth\.tenant_s is gone/,
  ],
  'triggers that replicas do not fire': [
    `alter role onevault_gateway set session_replication_role = 'replica'`,
    /^settings of onevault_gateway was added/,
  ],
  'row security that hides rows': [
    'alter table auth.tenant_s enable row level security',
    /^relation auth\.tenant_s was changed/,
  ],
  'a policy': ['create policy hide on auth.tenant_s using (false)', /^policy hide on auth\.tenant_s was added/],
  'update and delete granted': [
    `grant update, delete on ${TABLE} to onevault_gateway`,
    /^grants on gateway\.api_request_s was changed/,
  ],
  'an update of one column granted': [
    'grant update (record_source) on auth.tenant_s to onevault_gateway',
    /^grants on column auth\.tenant_s\.record_source was added/,
  ],
  'a rule that does nothing instead': [
    'create rule swallow as on insert to auth.tenant_h do instead nothing',
    /^rule swallow on auth\.tenant_h was added/,
  ],
  'a trigger before inserts': [
    'create trigger alter_row before insert on auth.tenant_h for each row execute function util.refuse_change()',
    /^trigger alter_row on auth\.tenant_h was added/,
  ],
  'a trigger on one partition': [
    `create trigger alter_row before insert on ${TABLE}_p20261120 for each row execute function util.refuse_change()`,
    /^trigger alter_row on gateway\.api_request_s\/partitions was added/,
  ],
  'a default of a column': [
    `alter table auth.tenant_s alter column record_source set default 'nobody'`,
    /^columns of auth\.tenant_s was changed/,
  ],
  'a constraint that is gone': [
    'alter table audit.node drop constraint node_pkey cascade',
    /^constraints of audit\.node was changed/,
  ],
  'an owner of functions': [
    'alter function util.ensure_partitions(date, date) owner to pg_monitor',
    /^grants on function util\.ensure_partitions\(date,date\) was changed/,
  ],
  'a role that sees past row security': ['alter role onevault_gateway bypassrls', /^role onevault_gateway was changed/],
  'a member of a role': ['grant onevault_gateway to pg_monitor', /^role onevault_gateway was changed/],
  'an event trigger': [
    `create function util.on_ddl() returns event_trigger language plpgsql as $$ begin end $$;
     create event trigger quiet on ddl_command_end execute function util.on_ddl()`,
    /^event trigger quiet was added/,
  ],
  'a table that is not logged': [
    'alter table audit.leaf_queue set unlogged',
    /^relation audit\.leaf_queue was changed/,
  ],
};

describe('the recorded definitions of the database', () => {
  let database: TestDatabase;

  before(async () => {
    database = await createTestDatabase();
    await database.sql`select util.ensure_partitions(date '2026-11-19', date '2026-11-21')`;
  });
  after(() => database.drop());

  const noMigration = async (): Promise<string[]> => [];
  const faults = async (sql = database.sql): Promise<readonly string[]> => {
    const [unit] = await definitions.units({} as never);
    const { faults: count, first } = await unit!.run(sql);
    assert.ok(first.length <= count);
    return first;
  };
  class Undo extends Error {}

  it('are recorded at the first start, and once', async () => {
    assert.equal(await readRecorded(database.sql), null);
    assert.deepEqual(await faults(), []);
    for (const _ of [1, 2]) await migrateRecorded(database.url, noMigration);
    const [{ events }] = await database.sql<[{ events: number }]>`
      select count(*)::integer as events from audit.audit_event_s where action = 'schema.record'`;
    assert.equal(events, 1);
    const recorded = await readRecorded(database.sql);
    assert.ok(recorded!.definitions.size > 500, `${recorded!.definitions.size} definitions`);
    assert.ok(recorded!.migrations.includes('0001-hashing.ts'));
    assert.deepEqual(await faults(), []);
  });

  it('do not depend on the settings of the session that reads them', async () => {
    const plain = await database.sql.begin(readDefinitions);
    const other = await database.sql.begin(async (tx) => {
      await tx`set local search_path = gateway, auth, util, audit, public`;
      await tx`set local quote_all_identifiers = on`;
      await tx`set local "TimeZone" = 'Asia/Tokyo'`;
      return readDefinitions(tx);
    });
    assert.deepEqual([...other], [...plain]);
  });

  for (const [name, [statement, fault]] of Object.entries(TAMPERINGS)) {
    it(`show ${name}`, async () => {
      await assert.rejects(
        database.sql.begin(async (tx) => {
          await tx.unsafe(statement);
          const recorded = await readRecorded(tx);
          const [unit] = await definitions.units({} as never);
          const { first } = await unit!.run(tx);
          assert.ok(recorded !== null && first.some((line) => fault.test(line)), JSON.stringify(first));
          throw new Undo();
        }),
        Undo,
      );
      assert.deepEqual(await faults(), []);
    });
  }

  it('stay sound when days come and go', async () => {
    await database.sql`select util.ensure_partitions(date '2026-12-19', date '2026-12-21')`;
    assert.deepEqual(await faults(), []);
  });

  it('keep a change by hand as a fault through the next migration, and take the change of the migration in', async () => {
    const own = await createTestDatabase();
    try {
      await migrateRecorded(own.url, noMigration);
      await own.sql`grant delete on auth.tenant_s to onevault_gateway`;
      // As a version that lacks the newest migration leaves it.
      const [newest] = await own.sql<{ name: string }[]>`
        delete from public.knex_migrations where id = (select max(id) from public.knex_migrations) returning name`;
      const recorded = (await readRecorded(own.sql))!;
      await recordDefinitions(own.sql, { actor_kind: 'system', actor: 'migration' }, []);
      assert.equal((await readRecorded(own.sql))!.migrations.length, recorded.migrations.length - 1);
      await migrateRecorded(own.url, async () => {
        await own.sql`create view auth.newest as select 1 as one`;
        await own.sql`insert into public.knex_migrations (name, batch, migration_time) values (${newest!.name}, 9, now())`;
        return [newest!.name];
      });
      assert.deepEqual(await faults(own.sql), [
        'grants on auth.tenant_s was changed since a migration of the product made it',
      ]);
    } finally {
      await own.drop();
    }
  });

  it('take in everything after a migration that was interrupted before it was recorded', async () => {
    const own = await createTestDatabase();
    try {
      await migrateRecorded(own.url, noMigration);
      const [newest] = await own.sql<{ name: string; id: number }[]>`
        delete from public.knex_migrations where id = (select max(id) from public.knex_migrations) returning name, id`;
      await recordDefinitions(own.sql, { actor_kind: 'system', actor: 'migration' }, []);
      await own.sql`create view auth.newest as select 1 as one`;
      await own.sql`insert into public.knex_migrations (name, batch, migration_time) values (${newest!.name}, 9, now())`;
      await migrateRecorded(own.url, noMigration);
      assert.deepEqual(await faults(own.sql), []);
    } finally {
      await own.drop();
    }
  });

  it('are the recorded changes, one after another', () => {
    const state = (entries: Record<string, string>) => new Map(Object.entries(entries));
    assert.deepEqual(
      differencesBetween(
        state({ a: '1', b: '1', 'c/partitions': '1 2' }),
        state({ a: '2', d: '1', 'c/partitions': '2' }),
      ),
      [
        { name: 'a', before: '1', after: '2' },
        { name: 'b', before: '1', after: null },
        { name: 'd', before: null, after: '1' },
      ],
    );
    assert.equal(differencesBetween(state({ 'c/partitions': '1' }), state({ 'c/partitions': '1 2' })).length, 1);
  });
});
