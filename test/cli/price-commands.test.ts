import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { userInfo } from 'node:os';
import { priceAt } from '../../src/catalog/snapshot.ts';
import { packagedBook } from '../../src/cli/price-commands.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createLoader } from '../../src/vault/load.ts';
import { createReader } from '../../src/vault/read.ts';
import { createRowBuilder } from '../../src/vault/rows.ts';
import { type Output, runCommand } from '../server/product-process.ts';
import { testRegistry } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { temporaryPath } from '../support/server.ts';
import { readSnapshot } from '../support/snapshot.ts';

describe('onevault prices refresh', function () {
  // Bounds a hang only: each command starts a process, four of them in one test.
  this.timeout(300_000);
  let database: TestDatabase;
  const folder = temporaryPath();
  const registry = testRegistry();
  const rows = createRowBuilder(registry);

  before(async () => {
    database = await createTestDatabase();
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await database.drop();
  });

  const run = (...args: string[]): Promise<Output> =>
    runCommand(['prices', 'refresh', ...args], { DATABASE_URL: database.url, ONEVAULT_DATA_DIR: folder });

  /** Says that a model at its provider costs something else, since a day of this month. */
  const say = async (model: string, provider: string, changes: object): Promise<void> => {
    const model_hk = rows.hubKey('model_h', { model_bk: model });
    const provider_hk = rows.hubKey('ai_provider_h', { provider_bk: provider });
    const deployment_hk = rows.linkKey('model_provider_l', { model_hk, provider_hk });
    const [current] = await createReader(registry).current(database.sql, 'model_price_s', {
      hash_keys: [deployment_hk],
    });
    const { provider_model_name, input_price, output_price, cached_input_price, cache_write_price } = current!;
    const content = {
      provider_model_name,
      input_price,
      output_price,
      cached_input_price,
      cache_write_price,
      reasoning_price: null,
      audio_input_price: null,
      audio_output_price: null,
      image_price: null,
      request_price: null,
      price_source: '@pydantic/genai-prices 0.0.1',
      is_offered: true,
      ...changes,
    };
    const at = '2026-11-02T00:00:00.000Z';
    const stamp = { load_date: at, applied_date: at, record_source: 'test' };
    const load = createLoader({ registry, now: systemClock.now });
    assert.equal(
      (await load(database.sql, [rows.satellite('model_price_s', deployment_hk, content, stamp)])).refused,
      0,
    );
  };
  const count = async (): Promise<number> => {
    const [{ count: found }] = await database.sql<[{ count: number }]>`
      select (select count(*) from gateway.model_price_s) + (select count(*) from gateway.model_price_tier_s)
        as count`;
    return found;
  };
  const inputOf = async (model: string): Promise<bigint | null | undefined> => {
    const { models } = await readSnapshot(database.sql, systemClock);
    return priceAt(models.get(model)!.deployments[0]!, systemClock.now())?.tiers[0]?.prices.input_price;
  };

  it('finds no difference after a first start, because the catalog has the same price data', async () => {
    const { code, stdout, stderr } = await run('--dry-run');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^@pydantic\/genai-prices \d+\.\d+\.\d+: 0 of \d+ deployments have other prices/);
    assert.equal((await run()).code, 0, 'there is nothing to agree to');
  });

  it('shows the differences, and writes them only when a person agrees', async () => {
    await say('gpt-4.1', 'openai', { input_price: '3000000', cached_input_price: null });
    await say('claude-sonnet-4-5', 'anthropic', {});
    await say('gpt-5', 'openai', { input_price: '1', price_source: 'a contract of our own' });
    const before = await count();
    const shown = await run('--dry-run');
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /: 2 of \d+ deployments have other prices/);
    assert.match(shown.stdout, /^model +provider +unit +old +new +applied from$/m);
    assert.match(shown.stdout, /^gpt-4\.1 +openai +input +3 +2 +20\d\d-\S+Z$/m);
    assert.match(shown.stdout, /^gpt-4\.1 +openai +cached_input +- +0\.5 +20\d\d-\S+Z$/m);
    assert.match(shown.stdout, /^claude-sonnet-4-5 +anthropic +input, standard above 200000 +- +6 +20\d\d-\S+Z$/m);
    assert.match(
      shown.stdout,
      /left as they are, its price comes from elsewhere: a contract of our own: gpt-5 \(openai\)/,
    );
    const refused = await run();
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /nothing was written: agree with --yes/);
    assert.equal(await count(), before);

    const written = await run('--yes');
    assert.equal(written.code, 0, written.stderr);
    assert.equal(await inputOf('gpt-4.1'), 2_000_000n);
    assert.equal(await inputOf('gpt-5'), 1n, 'a price from elsewhere stays');
    const { models } = await readSnapshot(database.sql, systemClock);
    const sonnet = priceAt(models.get('claude-sonnet-4-5')!.deployments[0]!, systemClock.now());
    assert.deepEqual(
      sonnet?.tiers.map(({ above_prompt_tokens, prices }) => [above_prompt_tokens, prices.output_price]),
      [
        [0, 15_000_000n],
        [200_000, 22_500_000n],
      ],
    );
    const after = await count();
    assert.ok(after > before);
    assert.match((await run('--yes')).stdout, /: 0 of \d+ deployments/);
    assert.equal(await count(), after, 'once more adds nothing');
  });

  it('writes an event with the price data, the deployments and the person who agreed', async () => {
    const events = await database.sql<{ actor: string; subject: string; outcome: string; after: object }[]>`
      select actor, subject, outcome, after
      from audit.audit_event_s
      where action = 'prices.refresh'`;
    assert.equal(events.length, 1);
    const { actor, subject, outcome, after } = events[0]!;
    assert.deepEqual([actor, subject, outcome], [userInfo().username, packagedBook().source, 'succeeded']);
    const recorded = after as { prices: number; changes: { model: string; applied_from: string }[] };
    assert.equal(recorded.prices, 2);
    assert.deepEqual(recorded.changes.map(({ model }) => model).toSorted(), ['claude-sonnet-4-5', 'gpt-4.1']);
  });
});
