import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import { createChangeFeed } from '../../src/vault/change-feed.ts';
import { FEED_START } from '../../src/vault/change-page.ts';
import { checkVault } from '../../src/vault/check/check-vault.ts';
import { describeVault } from '../../src/vault/dictionary.ts';
import { vaultPage } from '../../src/vault/docs/page.ts';
import { generateDbtSources, generateRowTypes } from '../../src/vault/generate.ts';
import { createLoader } from '../../src/vault/load.ts';
import { makePartitionsAhead } from '../../src/vault/partitions.ts';
import { createReader } from '../../src/vault/read.ts';
import { loadRegistry, type Registry } from '../../src/vault/registry.ts';
import { createRowBuilder, type VaultRow } from '../../src/vault/rows.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { ENTITIES, stamp } from './vault-fixture.ts';

/** The one schema file. */
const SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://onevault.dev/vault/entities/satellites/tenant_support_s.schema.json',
  title: 'Tenant support',
  description: 'How a tenant is supported.',
  'x-vault': {
    kind: 'satellite',
    schema: 'auth',
    owner: 'platform',
    parent: 'tenant_h',
    flavour: 'state',
    privacy: 'confidential',
  },
  type: 'object',
  properties: {
    support_level: {
      description: 'What was agreed.',
      'x-type': 'text',
      type: 'string',
      enum: ['NONE', 'OFFICE_HOURS', 'ALWAYS'],
    },
    response_within_minutes: {
      description: 'Minutes until somebody answers; null where nothing was agreed.',
      'x-type': 'integer',
      type: ['integer', 'null'],
      minimum: 1,
      maximum: 100_000,
    },
    pin: {
      description: 'What the tenant proves itself with on the telephone.',
      'x-type': 'bytes',
      'x-privacy': 'secret',
      type: ['string', 'null'],
      pattern: '^([0-9a-f]{2})*$',
      maxLength: 64,
    },
  },
  required: ['support_level', 'response_within_minutes', 'pin'],
  additionalProperties: false,
};

/** The one migration. */
const MIGRATION = `
create table auth.tenant_support_s (
  tenant_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  support_level text not null,
  response_within_minutes integer,
  pin bytea,
  record_source text not null,
  primary key (tenant_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('auth.tenant_support_s', 'tenant_hk', 'state');
`;

const TABLE = 'tenant_support_s';

describe('a new satellite', () => {
  let database: TestDatabase;
  let folder: string;
  let registry: Registry;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'onevault-entities-'));
    cpSync(ENTITIES, folder, { recursive: true });
    writeFileSync(join(folder, 'satellites', `${TABLE}.schema.json`), JSON.stringify(SCHEMA));
    registry = loadRegistry(folder);
    database = await createTestDatabase();
    await database.sql.unsafe(MIGRATION);
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await database.drop();
  });

  const row = (support_level: string, load: number, applied: number): VaultRow => {
    const rows = createRowBuilder(registry);
    const tenant_hk = rows.hubKey('tenant_h', { tenant_bk: 'demo' });
    const payload = { support_level, response_within_minutes: null, pin: 'ab' };
    return rows.satellite(TABLE as 'tenant_s', tenant_hk, payload as never, stamp(load, applied));
  };

  it('needs only a schema and a table to be loaded, read, protected, followed, checked and documented', async () => {
    const { sql } = database;
    const table = TABLE as 'tenant_s';
    const load = createLoader({ registry, now: Date.now });
    const reader = createReader(registry);
    const start = (await createChangeFeed(registry)(sql, [TABLE], FEED_START, 10)).position;

    const given = [row('ALWAYS', 3, 3), row('NONE', 1, 1), row('OFFICE_HOURS', 4, 2)];
    const broken = { table: TABLE, values: { ...given[0]!.values, support_level: 'SOMETIMES' } };
    const result = await load(sql, [...given, broken]);
    assert.deepEqual(result, { tables: { [TABLE]: { given: 3, inserted: 3 } }, refused: 1 });
    assert.equal((await load(sql, given)).tables[TABLE]?.inserted, 0);

    const levels = (found: readonly object[]): unknown[] =>
      found.map((row) => (row as { support_level: string }).support_level);
    const at = (known: number, applied: number) => ({
      known: stamp(known).load_date,
      applied: stamp(0, applied).applied_date,
    });
    assert.deepEqual(levels(await reader.current(sql, table)), ['ALWAYS']);
    assert.deepEqual(levels(await reader.asOf(sql, table, at(3, 2))), ['NONE']);
    assert.deepEqual(levels(await reader.asOf(sql, table, at(4, 2))), ['OFFICE_HOURS']);
    const history = await reader.history(sql, table, given[0]!.values.tenant_hk as string);
    assert.deepEqual(levels(history), ['NONE', 'OFFICE_HOURS', 'ALWAYS']);

    await assert.rejects(sql`delete from auth.tenant_support_s`, { code: '42501' });
    const changes = await createChangeFeed(registry)(sql, [TABLE], start, 10);
    assert.deepEqual(changes.rows.length, 3);

    await makePartitionsAhead(sql, systemClock.now());
    const results = await checkVault({ sql, registry, clock: systemClock });
    assert.deepEqual(
      results.flatMap(({ first }) => first),
      [],
    );

    const entry = describeVault(registry).find(({ table: name }) => name === TABLE);
    assert.deepEqual(
      entry?.columns.filter(({ role }) => role === 'payload').map(({ name, privacy }) => [name, privacy]),
      [
        ['support_level', 'confidential'],
        ['response_within_minutes', 'confidential'],
        ['pin', 'secret'],
      ],
    );
    assert.match(await vaultPage(registry), /id="tenant_support_s"[\s\S]*response_within_minutes/);
    assert.match(await generateRowTypes(registry), /interface TenantSupportS /);
    assert.match(generateDbtSources(registry), /name: tenant_support_s_history/);
  });
});
