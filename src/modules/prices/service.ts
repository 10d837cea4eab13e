export * from './price-rows.ts';
export * from './read-customer-price.ts';
