import type { Knex } from 'knex';

/**
 * Calls by hash key alone, through Bloom filters instead of hash indexes. An index in the order of random keys is
 * written all over: measured with 10 million calls in a day, whose hash indexes no longer fit the server's memory, a
 * batch took three to four times as long as with 100,000, and logged three times as much. A filter is written once,
 * when its pages are full. The price is paid by who looks up a key without its load_date, who reads all filters: about
 * 2 MB a million calls, where a hash index took 30 MB and two pages. They do so through util.load_dates_of: the planner
 * takes a filter over unordered values to let everything through, and would read the whole primary key instead.
 */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
drop index gateway.api_request_s_api_request_hk_idx;
drop index gateway.api_request_route_s_api_request_hk_idx;
${filterOf('api_request_s', ROWS_A_RANGE.api_request_s)}
${filterOf('api_request_route_s', ROWS_A_RANGE.api_request_route_s)}
${LOAD_DATES_OF}
`);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

// As many as 128 pages hold of them: a filter for fewer lets too much through.
const ROWS_A_RANGE = { api_request_s: 2_000, api_request_route_s: 2_500 } as const;

const filterOf = (table: string, rows: number): string => `
create index ${table}_api_request_hk_filter on gateway.${table}
using brin (api_request_hk bytea_bloom_ops (n_distinct_per_range = ${rows}, false_positive_rate = 0.001))
with (pages_per_range = 128, autosummarize = on);`;

const LOAD_DATES_OF = `
create function util.load_dates_of(satellite regclass, hash_key_column name, hash_key bytea)
returns setof timestamptz
language plpgsql
stable
set enable_seqscan = off
set enable_indexscan = off
set enable_indexonlyscan = off
as $$
begin
  return query execute format('select load_date from %s where %I = $1', satellite, hash_key_column) using hash_key;
end
$$;

comment on function util.load_dates_of is
  'load_date of each row under a hash key in a partitioned satellite, found through its Bloom filters';`;
