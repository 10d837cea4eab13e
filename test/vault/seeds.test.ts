import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { calcPrice } from '@pydantic/genai-prices';
import { PRICE_DATA } from '../../seeds/03-models.ts';
import { CATALOG } from '../../seeds/catalog/catalog.ts';
import { seed } from '../../src/postgres/migrate.ts';
import { createReader } from '../../src/vault/read.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { contentOf, registry, rows, stamp } from './vault-fixture.ts';

/** A deployment of the catalog in the price data, by one of its names. */
const referenceOf = (provider: string, model: string, at: string) => {
  const deployment = CATALOG.find((each) => each.provider === provider && each.model === model);
  const [providerId, name] = deployment?.priced_as ?? [provider, model];
  const [usage, timestamp] = [{ input_tokens: 1_000, output_tokens: 1_000 }, new Date(at)];
  const found = calcPrice(usage, name, { providerId, timestamp });
  return found ?? calcPrice(usage, deployment?.served_as ?? name, { providerId, timestamp });
};

interface SeededPrice {
  readonly model: string;
  readonly provider: string;
  readonly at: string;
  readonly input: string | null;
  readonly output: string | null;
}

describe('the reference data', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());
  const tables = [...registry.entities.keys()];
  const reader = createReader(registry);

  it('is not duplicated by a second run of the seeds', async () => {
    const once = await contentOf(database.sql, tables);
    await seed(database.url);
    assert.deepEqual(await contentOf(database.sql, tables), once);
  });

  it('has the keys and hash diffs that the product computes', async () => {
    const tenants = await reader.current(database.sql, 'tenant_s');
    assert.deepEqual(
      tenants.map((row) => row.tenant_hk),
      [rows.hubKey('tenant_h', { tenant_bk: 'demo' })],
    );
    for (const table of [
      'tenant_s',
      'ai_provider_s',
      'model_s',
      'model_price_s',
      'model_provider_tracking_s',
      'routing_rule_s',
    ] as const) {
      const seeded = await reader.current(database.sql, table);
      assert.ok(seeded.length > 0, table);
      for (const row of seeded) {
        assert.equal(registry.satellite(table).fault({ ...row }), null);
        assert.equal(rows.diff(table, row as never), row.hash_diff, table);
      }
    }
    const [link] = await database.sql`select * from gateway.model_provider_l limit 1`;
    const { model_hk, provider_hk } = link as unknown as { model_hk: string; provider_hk: string };
    assert.equal(rows.linkKey('model_provider_l', { model_hk, provider_hk }), link!.model_provider_link_hk);
  });

  it('has the prices of the price data for every model, at the time of each price', async () => {
    const prices = await database.sql<SeededPrice[]>`
      select model_bk as model, provider_bk as provider, greatest(applied_date, '2025-01-01') as at,
        input_price as input, output_price as output
      from gateway.model_price_s
      join gateway.model_provider_l using (model_provider_link_hk)
      join gateway.model_h using (model_hk)
      join gateway.ai_provider_h using (provider_hk)`;
    assert.ok(new Set(prices.map(({ model }) => model)).size >= 12);
    const own_priced = CATALOG.filter(({ own_price }) => own_price !== undefined).map(({ model }) => model);
    assert.deepEqual(
      prices.filter(({ input, output }) => input === null || output === null),
      [],
    );
    for (const { model, provider, at, input, output } of prices) {
      if (input === null || output === null || own_priced.includes(model)) continue;
      const reference = referenceOf(provider, model, at);
      assert.ok(reference !== null, `${model} at ${provider}`);
      assert.equal(BigInt(input) * 1_000n, BigInt(Math.round(reference.input_price * 1e12)), `${model} input`);
      assert.equal(BigInt(output) * 1_000n, BigInt(Math.round(reference.output_price * 1e12)), `${model} output`);
    }
  });

  it('prices whisper-1 by the second and tts-1 by the character, with the hash diffs that the product computes', async () => {
    const tiers = await database.sql`
      select model_bk as model, t.*
      from gateway.model_price_tier_s t
      join gateway.model_provider_l using (model_provider_link_hk)
      join gateway.model_h using (model_hk)
      where model_bk in ('whisper-1', 'tts-1', 'tts-1-hd')
      order by model_bk`;
    assert.deepEqual(
      tiers.map(({ model, audio_second_price, character_price }) => [model, audio_second_price, character_price]),
      [
        ['tts-1', null, '15000000'],
        ['tts-1-hd', null, '30000000'],
        ['whisper-1', '100000000', null],
      ],
    );
    for (const { model, model_provider_link_hk, hash_diff, ...payload } of tiers) {
      const [row] = rows.satelliteSet(
        'model_price_tier_s',
        String(model_provider_link_hk),
        [payload as never],
        stamp(1),
      );
      assert.equal(row!.values.hash_diff, hash_diff, String(model));
    }
  });

  it('names the version of its price data', () => {
    const entry = createRequire(import.meta.url).resolve('@pydantic/genai-prices');
    const { version } = createRequire(import.meta.url)(entry.replace(/dist\/.*$/, 'package.json')) as {
      version: string;
    };
    assert.equal(PRICE_DATA.version, version);
  });
});
