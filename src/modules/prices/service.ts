export * from './price-rows.ts';
export * from './price-tiers.ts';
