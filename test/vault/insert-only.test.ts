import assert from 'node:assert/strict';
import type { Sql } from '../../src/postgres/connect.ts';
import { GHOST_KEY } from '../../src/vault/entity.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { callRows, newLoader, registry } from './vault-fixture.ts';

const ENGINE_TABLES = ['ops.load_error', 'ops.journal_batch'];
const REFUSED = { code: '42501' };

describe('the raw vault', () => {
  let database: TestDatabase;
  let sql: Sql;
  before(async () => {
    database = await createTestDatabase();
    sql = database.sql;
    await newLoader()(sql, callRows(1));
    await sql`insert into ops.load_error values ('\\x01', 't', 'r', '{}', now())`;
    await sql`
      insert into ops.journal_batch (writer, first_sequence, last_sequence, record_count, loaded_at)
      values (gen_random_uuid(), 1, 2, 2, now())`;
  });
  after(() => database.drop());

  const tables = [...registry.entities.values()].map(({ name }) => name).concat(ENGINE_TABLES);

  it('refuses update, delete and truncate on every table, also for its owner', async () => {
    for (const table of tables) {
      const [column] = await sql<{ name: string }[]>`
        select attname as name from pg_attribute where attrelid = ${table}::regclass and attnum = 1`;
      const [rows] = await sql.unsafe<[{ rows: number }]>(`select count(*) as rows from ${table}`);
      if (rows.rows > 0) {
        await assert.rejects(sql.unsafe(`update ${table} set ${column!.name} = ${column!.name}`), REFUSED, table);
        await assert.rejects(sql.unsafe(`delete from ${table}`), REFUSED, table);
      }
      await assert.rejects(sql.unsafe(`truncate ${table}`), REFUSED, table);
    }
  });

  it('has a row in every hub and satellite, so that the test above is effective', async () => {
    for (const entity of registry.entities.values()) {
      if (entity.kind === 'link') continue;
      const [ghost] = await sql.unsafe(
        `select * from ${entity.name} where ${entity.hash_key} = decode('${GHOST_KEY}', 'hex')`,
      );
      assert.ok(ghost, entity.name);
      if (entity.kind === 'hub') for (const { name } of entity.business_key) assert.equal(ghost[name], 'unknown');
    }
  });

  it('refuses update, delete and truncate on single partitions too', async () => {
    const partitions = await sql<{ name: string; rows: number }[]>`
      select inhrelid::regclass::text as name
      from pg_inherits
      join pg_class on pg_class.oid = inhrelid
      where relkind = 'r' and inhparent::regclass::text like 'gateway.api_request_%'`;
    assert.equal(partitions.length, 10);
    for (const { name } of partitions) {
      const [column] = await sql<{ name: string }[]>`
        select attname as name from pg_attribute where attrelid = ${name}::regclass and attnum = 1`;
      const [rows] = await sql.unsafe<[{ rows: number }]>(`select count(*) as rows from ${name}`);
      if (rows.rows > 0) {
        await assert.rejects(sql.unsafe(`update ${name} set ${column!.name} = ${column!.name}`), REFUSED, name);
        await assert.rejects(sql.unsafe(`delete from ${name}`), REFUSED, name);
      }
      await assert.rejects(sql.unsafe(`truncate ${name}`), REFUSED, name);
    }
  });

  it('allows its role to read, to insert and to create partitions only', async () => {
    const denied = await sql<{ table_name: string }[]>`
      select table_name
      from unnest(${tables}::text[]) as t (table_name)
      where not has_table_privilege('onevault_gateway', table_name, 'select')
        or not has_table_privilege('onevault_gateway', table_name, 'insert')
        or has_table_privilege('onevault_gateway', table_name, 'update')
        or has_table_privilege('onevault_gateway', table_name, 'delete')
        or has_table_privilege('onevault_gateway', table_name, 'truncate')`;
    assert.deepEqual([...denied], []);
    for (const table of tables) {
      const [column] = await sql<{ name: string }[]>`
        select attname as name from pg_attribute where attrelid = ${table}::regclass and attnum = 1`;
      for (const statement of [
        `update ${table} set ${column!.name} = ${column!.name}`,
        `delete from ${table}`,
        `truncate ${table}`,
      ]) {
        const attempt = sql.begin(async (tx) => {
          await tx`set local role onevault_gateway`;
          await tx.unsafe(statement);
        });
        await assert.rejects(attempt, { code: '42501', message: /^permission denied/ }, statement);
      }
    }
    const loaded = await sql.begin(async (tx) => {
      await tx`set local role onevault_gateway`;
      const rows = callRows(2).map(({ table, values }) => ({
        table,
        values: { ...values, load_date: '2033-01-01T00:00:00.000Z' },
      }));
      const result = await newLoader()(tx, rows);
      const [{ rows: seen }] = await tx<[{ rows: number }]>`select count(*) as rows from gateway.api_request_s_current`;
      assert.ok(seen > 0);
      return result;
    });
    assert.equal(loaded.tables.api_request_s!.inserted, 1);
  });
});
