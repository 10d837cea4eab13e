import type { Knex } from 'knex';

/**
 * Prices by the second of audio and by the character of text. Their null is not hashed (`x-added`), so that the rows
 * that the satellites hold keep their hash diffs.
 */
export const up = async (knex: Knex): Promise<void> => {
  for (const [table, hash_key] of Object.entries(PARENT_KEYS)) {
    await knex.raw(`
drop view ${table}_history, ${table}_current;
alter table ${table}
  add column audio_second_price numeric,
  add column character_price numeric;
select util.create_satellite_views('${table}', '${hash_key}', 'multi-active');
`);
  }
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const PARENT_KEYS = {
  'gateway.model_price_tier_s': 'model_provider_link_hk',
  'gateway.customer_price_s': 'customer_price_link_hk',
};
