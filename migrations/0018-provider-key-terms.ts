import type { Knex } from 'knex';

/** The use of customers' own provider keys, and the fate of calls that these cannot pay. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
create table gateway.customer_provider_key_terms_s (
  customer_provider_key_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  base_url text,
  key_hint text,
  own_models jsonb not null,
  fallback text not null,
  record_source text not null,
  primary key (customer_provider_key_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite(
  'gateway.customer_provider_key_terms_s',
  'customer_provider_key_hk',
  'state'
);
`);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};
