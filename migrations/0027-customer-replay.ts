import type { Knex } from 'knex';

/** For how long a customer's responses may be repeated. A column more in `customer_config_s` would change old hashes. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
create table gateway.customer_replay_s (
  customer_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  replay_window_s integer,
  record_source text not null,
  primary key (customer_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('gateway.customer_replay_s', 'customer_hk', 'state');
`);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};
