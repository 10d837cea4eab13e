import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { connect, type Sql } from '../../src/postgres/connect.ts';
import { migrate, seed } from '../../src/postgres/migrate.ts';
import { testServer } from '../support/server.ts';

describe('the migration', () => {
  let admin: Sql;
  let url: string;
  let name: string;
  beforeEach(async () => {
    const server = await testServer();
    name = `migrate_${randomBytes(6).toString('hex')}`;
    url = server.url(name);
    admin = connect(server.url('postgres'), { max_connections: 1 });
    await admin`create database ${admin(name)}`;
  });
  afterEach(async () => {
    await admin`drop database ${admin(name)}`;
    await admin.end();
  });

  it('brings an empty database to the newest schema once, even with two starts at once', async () => {
    const ran = await Promise.all([migrate(url), migrate(url)]);
    assert.deepEqual(ran.map((names) => names.length > 0).toSorted(), [false, true]);
    assert.deepEqual(await migrate(url), []);
    assert.ok((await seed(url)).length > 0);
  });

  it('records each migration by the name of its source file, in order', async () => {
    const ran = await migrate(url);
    const sources = readdirSync(new URL('../../migrations/', import.meta.url)).filter((file) => file.endsWith('.ts'));
    assert.deepEqual(ran, sources.sort());
    const sql = connect(url, { max_connections: 1 });
    const recorded = await sql<{ name: string }[]>`select name from knex_migrations order by id`;
    await sql.end();
    assert.deepEqual(
      recorded.map(({ name }) => name),
      ran,
    );
  });

  it('continues after a process that died while migrating', async () => {
    await migrate(url);
    const sql = connect(url, { max_connections: 1 });
    await sql`update knex_migrations_lock set is_locked = 1`;
    await sql.end();
    assert.deepEqual(await migrate(url), []);
  });

  it('leaves no connection behind when it fails', async () => {
    const sql = connect(url, { max_connections: 1 });
    await sql`create schema gateway`;
    await sql.end();
    await assert.rejects(migrate(url), /schema "gateway" already exists/);
    const left =
      await admin`select from pg_stat_activity where datname = ${name} and backend_type = 'client backend' and application_name = 'onevault migrate'`;
    assert.equal(left.length, 0);
  });
});
