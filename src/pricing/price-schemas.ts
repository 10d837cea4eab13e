import { BASE_UNITS, isAddedUnit, PRICE_UNIT_TABLE, PRICE_UNITS, type PriceUnit, priceColumn } from './price-units.ts';

/** By satellite of prices, the units that it has columns for. */
export const PRICE_SATELLITES: Readonly<Record<string, readonly PriceUnit[]>> = {
  model_price_s: BASE_UNITS,
  model_price_tier_s: PRICE_UNITS,
  customer_price_s: PRICE_UNITS,
};

// As the files are formatted. Price columns stand together, in the order of the units.
const PROPERTIES = /(?: {4}"[a-z_]+_price": \{\n(?: {6}.*\n)+ {4}\},?\n)+/;
const REQUIRED = /(?: {4}"[a-z_]+_price",?\n)+/;

/**
 * The text of a satellite's schema with the price columns of its units.
 * @throws RangeError when it has none that could be replaced
 */
export const withPriceColumns = (table: string, text: string): string => {
  const units = PRICE_SATELLITES[table];
  if (units === undefined || !PROPERTIES.test(text) || !REQUIRED.test(text)) {
    throw new RangeError(`the schema of ${table} has no price columns that could be replaced`);
  }
  return text
    .replace(PROPERTIES, (before) => listText(units.map(propertyText), before))
    .replace(REQUIRED, (before) =>
      listText(
        units.map((unit) => `    "${priceColumn(unit)}"`),
        before,
      ),
    );
};

const DECIMAL = '^(0|[1-9][0-9]{0,39})(\\.[0-9]{1,20})?$';

/** Members of a list; a comma follows where one did before. */
const listText = (members: readonly string[], before: string): string =>
  `${members.join(',\n')}${before.endsWith(',\n') ? ',' : ''}\n`;

const propertyText = (unit: PriceUnit): string => `    "${priceColumn(unit)}": {
      "description": "Price of ${PRICE_UNIT_TABLE[unit].of}, pico-dollars; null if that unit has no price of its own.",
      "x-type": "decimal",${isAddedUnit(unit) ? '\n      "x-added": true,' : ''}
      "type": ["string", "null"],
      "pattern": ${JSON.stringify(DECIMAL)}
    }`;
