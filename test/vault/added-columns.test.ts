import assert from 'node:assert/strict';
import { systemClock } from '../../src/core/clock.ts';
import { NO_PRICES } from '../../src/modules/prices/service.ts';
import { checkVault } from '../../src/vault/check/check-vault.ts';
import { ENCODERS, encodeArray, hashDiff } from '../../src/vault/hash.ts';
import type { Content } from '../../src/vault/rows.ts';
import { createVerifier } from '../../verifier/onevault-verify.mjs';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { bundleOf, createSigner } from '../verifier/bundle-fixture.ts';
import { newLoader, registry, rows, stamp } from './vault-fixture.ts';

const KEYS = { model_bk: 'voice', provider_bk: 'openai' };
const model_hk = rows.hubKey('model_h', { model_bk: KEYS.model_bk });
const provider_hk = rows.hubKey('ai_provider_h', { provider_bk: KEYS.provider_bk });
const link_hk = rows.linkKey('model_provider_l', { model_hk, provider_hk });

const tier = (prices: object): Content<'model_price_tier_s'> => ({
  tier: 0,
  service_tier: 'standard',
  above_prompt_tokens: 0,
  daily_from_s: null,
  daily_until_s: null,
  ...(NO_PRICES as unknown as Record<keyof typeof NO_PRICES, null>),
  input_price: '0',
  output_price: '0',
  ...prices,
});

const setOf = (load: number, prices: object) =>
  rows.satelliteSet('model_price_tier_s', link_hk, [tier(prices)], stamp(load));

const diffOf = (prices: object): unknown => setOf(1, prices)[0]!.values.hash_diff;

const STATES = [
  {},
  { character_price: '7' },
  { audio_second_price: '7' },
  { character_price: '7', audio_second_price: '8' },
];

describe('a column that was added to a satellite with rows', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  it('leaves the hash diff of a row unchanged while it is null, and changes it otherwise', () => {
    const { payload } = registry.satellite('model_price_tier_s');
    const before = payload.filter(({ name }) => !['audio_second_price', 'character_price'].includes(name));
    assert.equal(before.length, payload.length - 2);
    const values: Readonly<Record<string, unknown>> = { ...tier({}) };
    const encoded = before.map(({ name, type }) => ENCODERS[type](values[name], name)).join('');
    assert.equal(diffOf({}), hashDiff('model_price_tier_s', encodeArray([encodeArray([encoded])])));
    assert.equal(new Set(STATES.map(diffOf)).size, STATES.length);
  });

  it('is covered by the check of the vault', async () => {
    const { sql } = database;
    await newLoader()(sql, [
      rows.hub('model_h', { model_bk: KEYS.model_bk }, stamp(1)),
      rows.link('model_provider_l', { model_hk, provider_hk }, stamp(1)),
      ...STATES.flatMap((prices, place) => setOf(place + 1, prices)),
    ]);
    const hashes = async () =>
      (await checkVault({ sql, registry, clock: systemClock }, () => {})).find(({ check }) => check === 'hashes')!;
    assert.equal((await hashes()).faults, 0);
    await sql.unsafe(`
      alter table gateway.model_price_tier_s disable trigger user;
      update gateway.model_price_tier_s set character_price = audio_second_price, audio_second_price = character_price
      where audio_second_price = 7;`);
    assert.equal((await hashes()).faults, 1);
  });

  it('is covered by the offline verifier, which refuses a value in the column beside', () => {
    const signer = createSigner();
    const faultsOf = (lines: readonly object[]): string[] => {
      const verifier = createVerifier({ keys: [signer.verifier_key] });
      for (const line of lines) verifier.take(JSON.stringify(line));
      return verifier.finish().faults.map(({ kind }) => kind);
    };
    const sound = bundleOf(
      signer,
      STATES.map((prices, place) => setOf(place + 1, prices)),
    );
    assert.deepEqual(faultsOf(sound), []);
    const spoiled = structuredClone(sound) as { rows?: { values: Record<string, unknown> }[] }[];
    const { values } = spoiled.filter(({ rows: leaf }) => leaf !== undefined)[2]!.rows![0]!;
    Object.assign(values, { character_price: '7', audio_second_price: null });
    assert.deepEqual(faultsOf(spoiled), ['payload']);
    Object.assign(values, { character_price: null });
    assert.deepEqual(faultsOf(spoiled), ['payload']);
  });
});
