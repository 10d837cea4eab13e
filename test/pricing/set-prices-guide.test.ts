import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PRICE_UNITS, type PriceUnit, statedCount } from '../../src/pricing/price-units.ts';
import { PROJECT } from '../../src/server/paths.ts';

/** The rows of the guide's table of units: names and the number of units of a price. */
const rowsOfGuide = (): readonly (readonly [string, string])[] => {
  const text = readFileSync(join(PROJECT.root, 'docs', 'guides', 'set-prices.md'), 'utf8');
  const [, table = ''] = text.split('| unit | US dollars of | is |\n|---|---|---|\n');
  return table
    .slice(0, table.indexOf('\n\n'))
    .split('\n')
    .flatMap((line) => {
      const [, names = '', count = ''] = line.split('|');
      return [...names.matchAll(/`(\w+)`/g)].map(([, name]) => [name!, count.trim().replaceAll(',', '')] as const);
    });
};

describe('the table of units in the guide to prices', () => {
  it('has each unit of the price-unit table once, with the number of units that its price is stated for', () => {
    const rows = rowsOfGuide();
    assert.deepEqual(rows.map(([name]) => name).sort(), [...PRICE_UNITS].sort());
    for (const [name, count] of rows) assert.equal(count, String(statedCount(name as PriceUnit)), name);
  });
});
