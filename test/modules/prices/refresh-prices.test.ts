import assert from 'node:assert/strict';
import { systemClock } from '../../../src/core/clock.ts';
import { createIds } from '../../../src/core/ids.ts';
import { priceRows } from '../../../src/modules/prices/price-rows.ts';
import {
  type DeploymentPlan,
  type PriceBook,
  planRefresh,
  refreshPrices,
} from '../../../src/modules/prices/refresh-prices.ts';
import { PRICE_UNITS } from '../../../src/pricing/price-units.ts';
import type { PriceTier, UnitPrices } from '../../../src/pricing/prices.ts';
import { type SaveDeps, save } from '../../../src/resources/writing/save.ts';
import { createLoader } from '../../../src/vault/load.ts';
import { createRowBuilder } from '../../../src/vault/rows.ts';
import { testRegistry } from '../../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const tierOf = (input_price: bigint): PriceTier => ({
  tier: 0,
  service_tier: 'standard',
  above_prompt_tokens: 0,
  daily_from_s: null,
  daily_until_s: null,
  prices: {
    ...(Object.fromEntries(PRICE_UNITS.map((unit) => [`${unit}_price`, null])) as unknown as UnitPrices),
    input_price,
    output_price: 1n,
  },
});

/** A book that knows one model, as a newer version of the seeded one. */
const bookOf = (input_price: bigint): PriceBook => ({
  source: 'a book 2',
  isOf: (source) => source.startsWith('@pydantic/genai-prices ') || source.startsWith('a book '),
  find: ({ model, provider }) => {
    if (provider !== 'openai') return null;
    if (model === 'gpt-5') return 'its price cannot be taken: calls are not counted in audio_hours';
    return model === 'gpt-4.1' ? [{ from_ms: null, tiers: [tierOf(input_price)] }] : null;
  },
});
const actor = { actor_kind: 'command', actor: 'tester' } as const;

describe('a refresh of prices', () => {
  let database: TestDatabase;
  let deps: SaveDeps;
  before(async () => {
    database = await createTestDatabase();
    const registry = testRegistry();
    deps = {
      sql: database.sql,
      clock: systemClock,
      nextId: createIds(systemClock),
      rows: createRowBuilder(registry),
      load: createLoader({ registry, now: systemClock.now }),
      refreshSnapshot: async () => {},
    };
  });
  after(() => database.drop());

  const plan = (book: PriceBook, now_ms: number): Promise<DeploymentPlan[]> =>
    database.sql.begin((tx) => planRefresh(tx, book, now_ms));
  const changed = (planned: readonly DeploymentPlan[]): string[] =>
    planned.filter(({ changes }) => changes.length > 0).map(({ model }) => model);

  it('reports why it keeps the prices of a deployment', async () => {
    const planned = await plan(bookOf(7n), systemClock.now());
    assert.deepEqual(changed(planned), ['gpt-4.1']);
    const keptOf = (wanted: string) =>
      planned.find(({ model, provider }) => model === wanted && provider !== 'azure-openai')?.kept;
    assert.match(String(keptOf('gpt-5')), /audio_hours/);
    assert.match(String(keptOf('claude-opus-4-5')), /does not have it/);
    assert.equal(keptOf('gpt-4.1'), null);
  });

  it('writes only the plan that a person has seen, and nothing if prices changed meanwhile', async () => {
    const now_ms = systemClock.now();
    const planned = await plan(bookOf(7n), now_ms);
    const { deployment_hk } = planned.find(({ model, provider }) => model === 'gpt-4.1' && provider === 'openai')!;
    await save(deps, (stamp) => ({
      rows: priceRows(
        deps.rows,
        deployment_hk,
        {
          terms: { provider_model_name: 'gpt-4.1', price_source: 'a book 1', is_offered: true },
          tiers: [tierOf(6n)],
        },
        { ...stamp, applied_date: '2026-11-03T00:00:00.000Z' },
      ),
      events: [],
    }));
    const count = async () => (await database.sql`select 1 from gateway.model_price_s`).length;
    const before = await count();
    await assert.rejects(refreshPrices(deps, bookOf(7n), { planned, now_ms, actor }), /exists already/);
    assert.equal(await count(), before);
    const again = await plan(bookOf(7n), now_ms);
    await refreshPrices(deps, bookOf(7n), { planned: again, now_ms, actor });
    assert.equal(await count(), before + 1);
    assert.deepEqual(changed(await plan(bookOf(7n), systemClock.now())), []);
  });
});
