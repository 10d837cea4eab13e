import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COLUMN_TYPES } from '../../src/vault/entity.ts';
import { generateDbtSources, generateRowTypes } from '../../src/vault/generate.ts';
import { loadRegistry, RegistryError } from '../../src/vault/registry.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { ENTITIES, registry } from './vault-fixture.ts';

const fileOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

describe('the entity registry', () => {
  it('refuses an entity of another kind than the requested one', () => {
    assert.equal(registry.hub('customer_h').hash_key, 'customer_hk');
    assert.throws(() => registry.hub('customer_config_s'), /no hub customer_config_s/);
    assert.throws(() => registry.satellite('nothing_s'), /no satellite nothing_s/);
  });

  it('reports every fault of every file at once', () => {
    const folder = mkdtempSync(join(tmpdir(), 'entities-'));
    try {
      cpSync(ENTITIES, folder, { recursive: true });
      change(folder, 'hubs/tenant_h', (file) => {
        file['x-vault'].business_key = ['other_bk'];
      });
      change(folder, 'links/customer_tenant_l', (file) => {
        file['x-vault'].hubs = ['customer_h', 'nothing_h'];
      });
      change(folder, 'satellites/tenant_s', (file) => {
        file['x-vault'].parent = 'nothing_h';
        delete file.properties.tenant_name!.description;
        file.properties.billing_entity!['x-type'] = 'varchar';
      });
      change(folder, 'satellites/invoice_line_s', (file) => {
        file['x-vault'].sub_key = ['description'];
      });
      writeFileSync(join(folder, 'hubs/broken_h.schema.json'), '{');
      assert.throws(
        () => loadRegistry(folder),
        (error) => {
          assert.ok(error instanceof RegistryError);
          const faults = error.faults.join('\n');
          for (const part of [
            'tenant_h: a hub holds',
            'nothing_h, which is no hub',
            'parent nothing_h',
            'tenant_name has no',
          ]) {
            assert.ok(faults.includes(part), `${part} in\n${faults}`);
          }
          assert.match(faults, /billing_entity has no known x-type: varchar/);
          assert.match(faults, /sub key description must be an integer/);
          assert.match(faults, /broken_h/);
          return true;
        },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('refuses every table without a consistent decision about the owner of its rows', () => {
    const folder = mkdtempSync(join(tmpdir(), 'entities-'));
    try {
      cpSync(ENTITIES, folder, { recursive: true });
      const decide = (path: string, facts: object): void =>
        change(folder, path, (file) => Object.assign(file['x-vault'], facts));
      decide('links/customer_price_l', { owner: undefined });
      decide('hubs/tenant_h', { owner: 'nobody' });
      decide('links/model_provider_l', { owner: 'customer' });
      decide('links/legal_hold_customer_l', { owner: 'platform' });
      decide('satellites/tenant_s', { owner: 'person' });
      decide('satellites/api_key_s', { owner: 'person', export: undefined });
      decide('satellites/model_s', { export: { section: 'models' } });
      decide('satellites/invoice_s', { export: undefined });
      const wrong = { section: 'invoice_lines', title: '', purpose: 'fun', states: 'some', omit: ['nothing'] };
      decide('satellites/report_s', { export: wrong });
      assert.throws(
        () => loadRegistry(folder),
        (error) => {
          assert.ok(error instanceof RegistryError);
          const owners =
            'Decide whose the rows are: customer, person, platform. Exports, bundles and erasures follow from it.';
          const expected = [
            `customer_price_l: x-vault.owner is missing, and the table relates customer_h. ${owners}`,
            `tenant_h: x-vault.owner is missing. ${owners}`,
            'model_provider_l: x-vault.owner is customer, so x-vault.hubs must name customer_h',
            'legal_hold_h: x-vault.owner is customer, so exactly one link of owner customer must begin with legal_hold_h and relate customer_h; there are 0',
            "api_key_s: a person's satellite has the parent customer_h",
            "api_key_s: a person's satellite has a uuid column subject_key_id, which names the key that erasing destroys",
            'model_s: x-vault.export belongs to satellites of owner customer',
            'invoice_s: x-vault.export is missing: a satellite of owner customer says its section, title, purpose and states',
            'invoice_line_s: x-vault.export.section invoice_lines is used twice',
            'report_s: x-vault.export.section invoice_lines is used twice',
            'report_s: x-vault.export.title is missing',
            'report_s: x-vault.export.purpose must be one of contract, duty, call, security',
            'report_s: x-vault.export.states must be one of history, current, rows',
            'report_s: x-vault.export.omit names nothing, which is no column',
          ];
          for (const fault of expected)
            assert.ok(error.faults.includes(fault), `${fault} in\n${error.faults.join('\n')}`);
          return true;
        },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('refuses a column whose schema accepts values that PostgreSQL refuses', () => {
    const folder = mkdtempSync(join(tmpdir(), 'entities-'));
    try {
      cpSync(ENTITIES, folder, { recursive: true });
      change(folder, 'satellites/tenant_s', (file) => {
        delete file.properties.tenant_name!.pattern;
        delete file.properties.billing_entity!.maxLength;
      });
      change(folder, 'satellites/model_s', (file) => {
        delete file.properties.context_window_tokens!.maximum;
      });
      assert.throws(
        () => loadRegistry(folder),
        (error) =>
          error instanceof RegistryError && error.faults.length === 3 && /tenant_name lets/.test(error.message),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('names the faulty column of a row and its fault', () => {
    const { fault } = registry.satellite('tenant_s');
    const sound = {
      tenant_hk: 'ab'.repeat(32),
      load_date: '2026-01-01T00:00:00Z',
      applied_date: '2026-01-01T00:00:00.123456Z',
      hash_diff: 'cd'.repeat(32),
      tenant_name: 'Ä'.repeat(255),
      billing_entity: '',
      record_source: 'test',
    };
    assert.equal(fault(sound), null);
    assert.match(fault({ ...sound, tenant_name: null })!, /^tenant_name must be string/);
    assert.match(fault({ ...sound, load_date: '2026-02-29T00:00:00Z' })!, /^load_date/);
    assert.match(fault({ ...sound, tenant_hk: 'AB'.repeat(32) })!, /^tenant_hk/);
    assert.match(fault({ ...sound, more: 1 })!, /more/);
  });

  it('matches the generated files', async () => {
    const stale = 'run `npm run generate`';
    const types = readFileSync(fileOf('src/vault/rows.generated.ts'), 'utf8');
    assert.equal(types, await generateRowTypes(registry), stale);
    const sources = readFileSync(fileOf('vault/models/sources.yml'), 'utf8');
    assert.equal(sources, generateDbtSources(registry), stale);
  });
});

describe('the tables of the database', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  it('have the columns, types and keys of their entities, and each has an entity', async () => {
    const columns = await database.sql<
      { table_name: string; column_name: string; type: string; is_nullable: string }[]
    >`
      select c.table_schema || '.' || c.table_name as table_name, c.column_name, c.is_nullable,
        case when c.data_type = 'ARRAY' then ltrim(c.udt_name, '_') || '[]' else c.data_type end as type
      from information_schema.columns c
      join information_schema.tables t using (table_schema, table_name)
      where t.table_type = 'BASE TABLE' and t.table_name ~ '_[hls]$'`;
    const found = columns.map(
      (c) => `${c.table_name}.${c.column_name} ${c.type}${c.is_nullable === 'YES' ? ' null' : ''}`,
    );
    const stated = [...registry.entities.values()].flatMap((entity) =>
      entity.columns.map(
        ({ name, type, is_nullable }) =>
          `${entity.name}.${name} ${COLUMN_TYPES[type].postgres}${is_nullable ? ' null' : ''}`,
      ),
    );
    assert.deepEqual(found.toSorted(), stated.toSorted());

    const keys = await database.sql<{ table_name: string; columns: string }[]>`
      select conrelid::regclass::text as table_name, (
        select string_agg(attname, ', ' order by place)
        from unnest(conkey) with ordinality as key (attnum, place)
        join pg_attribute a on a.attrelid = conrelid and a.attnum = key.attnum) as columns
      from pg_constraint
      where contype = 'p' and conrelid::regclass::text ~ '_[hls]$'`;
    assert.deepEqual(
      Object.fromEntries(keys.map((key) => [key.table_name, key.columns])),
      Object.fromEntries([...registry.entities.values()].map((entity) => [entity.name, entity.primary_key.join(', ')])),
    );
  });

  it('include the two views of every satellite', async () => {
    const views = await database.sql<{ name: string }[]>`
      select table_schema || '.' || table_name as name from information_schema.views where table_schema <> 'information_schema'
        and table_schema <> 'pg_catalog'`;
    const names = new Set(views.map(({ name }) => name));
    for (const entity of registry.entities.values()) {
      if (entity.kind !== 'satellite') continue;
      assert.ok(names.has(`${entity.name}_current`) && names.has(`${entity.name}_history`), entity.name);
    }
  });
});

interface LooseFile {
  'x-vault': Record<string, unknown>;
  properties: Record<string, Record<string, unknown>>;
}

const change = (folder: string, path: string, edit: (file: LooseFile) => void): void => {
  const whole = join(folder, `${path}.schema.json`);
  const file = JSON.parse(readFileSync(whole, 'utf8')) as LooseFile;
  edit(file);
  writeFileSync(whole, JSON.stringify(file));
};
