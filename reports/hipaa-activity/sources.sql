-- What the report was made of, a row a table: rows, and a sum that changes with any value of any of them.
select 'gateway.api_request_l' as source_table, count(*) as row_count,
  coalesce(sum(('x' || encode(substr(api_request_link_hk, 1, 7), 'hex'))::bit(56)::bigint), 0)::text as control_sum
from calls
union all
select 'gateway.api_request_s', count(*),
  coalesce(sum(('x' || encode(substr(hash_diff, 1, 7), 'hex'))::bit(56)::bigint), 0)::text
from calls
order by source_table
