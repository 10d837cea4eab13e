import assert from 'node:assert/strict';
import { calcPrice } from '@pydantic/genai-prices';
import fc from 'fast-check';
import { CATALOG } from '../../seeds/catalog/catalog.ts';
import { priceAt, type Snapshot } from '../../src/catalog/snapshot.ts';
import { systemClock } from '../../src/core/clock.ts';
import { rate } from '../../src/pricing/rating.ts';
import type { Usage } from '../../src/pricing/usage.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { readSnapshot } from '../support/snapshot.ts';

const PRICED = CATALOG.filter(({ priced_as }) => priced_as !== null);
const count = fc.nat(400_000);

/** Kinds of tokens without overlap, so that no split has to be estimated. */
const parts = fc.record({
  fresh: count,
  cached: count,
  written: count,
  long: count,
  audio: count,
  cached_audio: count,
  image: count,
  cached_image: count,
  text: count,
  audio_output: count,
  image_output: count,
});

type Parts = typeof parts extends fc.Arbitrary<infer T> ? T : never;

const usageOf = (of: Parts): Usage => {
  const cached_tokens = of.cached + of.cached_audio + of.cached_image;
  const cache_write_tokens = of.written + of.long;
  const prompt_tokens = of.fresh + cached_tokens + cache_write_tokens + of.audio + of.image;
  const completion_tokens = of.text + of.audio_output + of.image_output;
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    cached_tokens,
    cache_write_tokens,
    long_cache_write_tokens: of.long,
    reasoning_tokens: 0,
    prompt_audio_tokens: of.audio + of.cached_audio,
    cached_audio_tokens: of.cached_audio,
    prompt_image_tokens: of.image + of.cached_image,
    cached_image_tokens: of.cached_image,
    completion_audio_tokens: of.audio_output,
    completion_image_tokens: of.image_output,
  };
};

/** Usage in the price data's form: each field is the sum of all tokens with its traits. */
const priceDataUsageOf = (of: Parts) => {
  const { prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens } = usageOf(of);
  return {
    input_tokens: prompt_tokens,
    output_tokens: completion_tokens,
    cache_read_tokens: cached_tokens,
    cache_write_tokens,
    cache_write_1h_tokens: of.long,
    input_audio_tokens: of.audio + of.cached_audio,
    cache_audio_read_tokens: of.cached_audio,
    input_image_tokens: of.image + of.cached_image,
    cache_image_read_tokens: of.cached_image,
    output_audio_tokens: of.audio_output,
    output_image_tokens: of.image_output,
  };
};

describe('the prices of the catalog', () => {
  let database: TestDatabase;
  let snapshot: Snapshot;

  before(async () => {
    database = await createTestDatabase();
    snapshot = await readSnapshot(database.sql, systemClock);
  });
  after(() => database.drop());

  it('rate any usage like the price data, at any time, in every tier', () => {
    const instant = fc.date({
      min: new Date('2025-01-01'),
      max: new Date('2028-01-01'),
      noInvalidDate: true,
    });
    const tiers = new Set<number>();
    fc.assert(
      fc.property(fc.constantFrom(...PRICED), parts, instant, (deployment, of, timestamp) => {
        const { provider, model, priced_as, kind } = deployment;
        const deployments = snapshot.models.get(model)!.deployments;
        const found = deployments.find((each) => each.provider === provider)!;
        const price = priceAt(found, timestamp.getTime());
        const { prices } = price!.tiers[0]!;
        const has = (name: keyof typeof prices): boolean => prices[name] !== null;
        // For a kind without a price, the price data charges the nearest kind that has one. This product may choose
        // another.
        const used: Parts = {
          ...of,
          ...(has('cached_input_price') ? {} : { cached: 0, cached_audio: 0, cached_image: 0 }),
          ...(has('cache_write_price') ? {} : { written: 0, long: 0 }),
          ...(has('cached_audio_input_price') ? {} : { cached_audio: 0 }),
          ...(has('cached_image_input_price') ? {} : { cached_image: 0 }),
          ...(kind === 'embeddings' ? { text: 0, audio_output: 0, image_output: 0 } : {}),
        };
        const [providerId, name] = priced_as ?? [provider, model];
        const priceFor = (named: string) => calcPrice(priceDataUsageOf(used), named, { providerId, timestamp });
        const reference = priceFor(name) ?? priceFor(deployment.served_as ?? model);
        const { provider_cost, facts } = rate(usageOf(used), price, 0);
        tiers.add(facts!.tier);
        // The price data adds doubles.
        const off = Math.abs(Number(provider_cost) - reference!.total_price * 1e12);
        assert.ok(off <= 1 + Number(provider_cost) * 1e-12, `${provider}/${model}: ${off} pico-dollars off`);
      }),
      { numRuns: 3_000 },
    );
    assert.ok(tiers.size > 1, 'usage reaches more than one tier');
  });
});
