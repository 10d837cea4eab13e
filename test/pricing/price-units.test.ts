import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BASE_COLUMNS, PRICE_COLUMNS } from '../../seeds/writing/price-book.ts';
import { deployments } from '../../src/modules/deployments/deployments.ts';
import { TIERS } from '../../src/modules/prices/service.ts';
import { PRICE_SATELLITES, withPriceColumns } from '../../src/pricing/price-schemas.ts';
import {
  BASE_UNITS,
  isFreeWithoutPrice,
  isToolUnit,
  PRICE_UNIT_TABLE,
  PRICE_UNITS,
  type PriceUnit,
  priceColumn,
  standInsOf,
  statedCount,
  unitsOfKind,
} from '../../src/pricing/price-units.ts';
import { PROJECT } from '../../src/server/paths.ts';
import { testRegistry } from '../support/calls.ts';

const columnsOf = (units: readonly PriceUnit[]): string[] => units.map(priceColumn);

describe('the table of price units', () => {
  it('has every price column of the vault in order, and every satellite of prices', () => {
    const registry = testRegistry();
    for (const [table, units] of Object.entries(PRICE_SATELLITES)) {
      const { row_schema } = registry.satellite(table);
      const columns = Object.keys(row_schema.properties as object).filter((name) => name.endsWith('_price'));
      assert.deepEqual(columns, columnsOf(units), table);
    }
    for (const { table, kind, columns } of registry.entities.values()) {
      const is_priced = kind === 'satellite' && columns.some(({ name }) => name === priceColumn('input'));
      assert.equal(is_priced, Object.hasOwn(PRICE_SATELLITES, table), table);
    }
  });

  it('defines one field for each unit in price requests and in the seeds', () => {
    const stated = Object.keys(deployments.inputs!).filter((name) => name.endsWith('_price'));
    assert.deepEqual(stated, columnsOf(PRICE_UNITS));
    const { items } = TIERS.schema as { items: { properties: { prices: { properties: object } } } };
    const { prices } = items.properties;
    assert.deepEqual(Object.keys(prices.properties), PRICE_UNITS);
    assert.deepEqual([PRICE_COLUMNS, BASE_COLUMNS], [columnsOf(PRICE_UNITS), columnsOf(BASE_UNITS)]);
  });

  it('charges a unit without a price only at prices of its own side, where the last unit always has one', () => {
    for (const unit of PRICE_UNITS) {
      const { kind } = PRICE_UNIT_TABLE[unit];
      const stand_ins = standInsOf(unit);
      assert.ok(!stand_ins.includes(unit), unit);
      for (const other of stand_ins) assert.equal(PRICE_UNIT_TABLE[other].kind, kind, `${unit} at ${other}`);
      if (kind === 'prompt' && unit !== 'input') assert.equal(stand_ins.at(-1), 'input', unit);
      if (kind === 'completion' && unit !== 'output') assert.equal(stand_ins.at(-1), 'output', unit);
    }
  });

  it('defines prices by a million tokens, a thousand tool uses, one request and one image', () => {
    for (const unit of [...unitsOfKind('prompt'), ...unitsOfKind('completion')]) {
      assert.equal(statedCount(unit), 1_000_000n, unit);
    }
    for (const unit of unitsOfKind('tool')) assert.equal(statedCount(unit), 1_000n, unit);
    for (const unit of ['request', 'image'] as const) {
      assert.equal(statedCount(unit), 1n);
      assert.ok(isFreeWithoutPrice(unit));
    }
    assert.deepEqual([statedCount('audio_second'), statedCount('character')], [1n, 1_000_000n]);
    for (const name of ['toString', '__proto__', '', 'input']) assert.ok(!isToolUnit(name), name);
  });

  it('adds the column of a new unit to a schema, and removes the column of a removed one', () => {
    const read = (table: string): string =>
      readFileSync(join(PROJECT.entities, 'satellites', `${table}.schema.json`), 'utf8');
    const tiers = read('model_price_tier_s');
    const without = tiers
      .replace(/ {4}"image_price": \{\n(?: {6}.*\n)+ {4}\},\n/, '')
      .replace(/ {4}"image_price",\n/, '');
    assert.ok(!without.includes('"image_price"'));
    assert.equal(withPriceColumns('model_price_tier_s', without), tiers);
    assert.equal(withPriceColumns('model_price_s', read('model_price_s')), read('model_price_s'));
    const fewer = JSON.parse(withPriceColumns('model_price_s', tiers)) as { required: string[] };
    assert.ok(!fewer.required.includes('web_search_price'));
  });

  it('refuses a schema without price columns, and does not leave it unchanged', () => {
    const text = readFileSync(join(PROJECT.entities, 'satellites', 'tenant_s.schema.json'), 'utf8');
    assert.throws(() => withPriceColumns('model_price_s', text), RangeError);
    assert.throws(() => withPriceColumns('tenant_s', text), RangeError);
  });
});
