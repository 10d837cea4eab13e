import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import knex, { type Knex } from 'knex';
import type { Sql } from '../../src/postgres/connect.ts';
import { migrate, seed } from '../../src/postgres/migrate.ts';
import type { VaultRow } from '../../src/vault/rows.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { callRows, newLoader, registry, stamp, tenantRows } from '../vault/vault-fixture.ts';
import { assertLogged } from './leaf-fixture.ts';
import { insertUnrecorded } from './tampering/every-table.ts';

const FOLDER = new URL('../../migrations/', import.meta.url);
const FIRST_OF_LOG = '0011';

/** The migrations before the one that adds the audit log. */
const EARLIER: Knex.MigrationSource<string> = {
  getMigrations: async () =>
    readdirSync(fileURLToPath(FOLDER))
      .filter((name) => name < FIRST_OF_LOG)
      .sort(),
  getMigrationName: (name) => name,
  getMigration: async (name) => (await import(new URL(name, FOLDER).href)) as Knex.Migration,
};

const migrateEarlier = async (url: string): Promise<void> => {
  const database = knex({ client: 'pg', connection: url });
  try {
    await database.migrate.latest({ migrationSource: EARLIER });
  } finally {
    await database.destroy();
  }
};

const WRITER = '019aa000-0000-7000-8000-000000000000';

/** Two batches of calls, one of them empty, and rows of other tables. */
const fill = async (sql: Sql): Promise<void> => {
  // Triggers recorded the rows at that time.
  const insert = (rows: readonly VaultRow[]): Promise<void> => insertUnrecorded(sql, registry, rows);
  await insert([...tenantRows('bank', 'Bank', stamp(1)), ...tenantRows('bänk "2"', 'Bank', stamp(2))]);
  await insert(tenantRows('bank', 'Bank & Co.', stamp(3)).slice(1));
  await sql`select util.ensure_partitions('2026-11-21', '2026-11-21')`;
  await insert([1, 2, 3].flatMap((number) => callRows(number)));
  await sql`
    insert into ops.journal_batch
      (writer, first_sequence, last_sequence, record_count, first_load_date, last_load_date, loaded_at)
    values
      (${WRITER}, 1, 4, 4, '2026-11-21T10:00:00Z', '2026-11-21T11:00:00Z', now()),
      (${WRITER}, 5, 6, 2, null, null, now())`;
};

describe('the audit log of a vault that is older than its log', function () {
  this.timeout(300_000);
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createEmptyDatabase();
    await migrateEarlier(database.url);
  });
  afterEach(() => database.drop());

  it('has one leaf for each existing event, and one for each new one', async () => {
    await fill(database.sql);
    await migrate(database.url);
    await seed(database.url);
    await newLoader()(database.sql, tenantRows('bank', 'Bank of later', stamp(9)));
    const leaves = await assertLogged(database.sql);
    assert.equal(leaves.filter(({ rows: [row] }) => row!.table === 'api_request_h').length, 3);
    const [batch] = await database.sql<{ sequences: number[] }[]>`
      select sequences from audit.leaf_batch where journal_writer is not null`;
    assert.deepEqual(batch!.sequences, [1, 2, 3]);
  });

  it('omits a row that was deleted before the log existed', async () => {
    await fill(database.sql);
    await database.sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      await tx`delete from auth.tenant_s where tenant_name = 'Bank & Co.'`;
    });
    await migrate(database.url);
    await assert.rejects(assertLogged(database.sql), /tenant_s [0-9a-f]{64} applied_date=/);
  });
});
