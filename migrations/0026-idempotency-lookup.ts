import type { Knex } from 'knex';

/** Idempotency keys by the hash key of their call, through Bloom filters as the other satellites of calls have them. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
create index api_request_idempotency_s_api_request_hk_filter on gateway.api_request_idempotency_s
using brin (api_request_hk bytea_bloom_ops (n_distinct_per_range = 2800, false_positive_rate = 0.001))
with (pages_per_range = 64, autosummarize = on);
`);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};
