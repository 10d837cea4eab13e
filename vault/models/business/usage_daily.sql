{{ config(
  materialized='incremental',
  incremental_strategy='delete+insert',
  unique_key=['usage_day', 'customer', 'provider', 'model'],
  indexes=[{'columns': ['customer', 'usage_day']}, {'columns': ['known_at']}],
  tags=['spend']
) }}

-- Whole days only: the day that at() lies in is added where it is read.
with reopened as (
  {% if is_incremental() %}
  select period_start from {{ reopened_periods('day', period('day', at())) }} period
  {% else %}
  select '-infinity'::timestamptz as period_start
  {% endif %}
)

select
  {{ period('day', 'call.request_timestamp') }} as usage_day,
  call.customer,
  call.provider,
  call.model,
  count(*) as call_count,
  coalesce(sum(call.total_tokens), 0)::bigint as total_tokens,
  coalesce(sum(call.provider_cost), 0) as provider_cost,
  coalesce(sum(call.gateway_markup), 0) as gateway_markup,
  coalesce(sum(call.customer_cost), 0) as customer_cost,
  {{ known() }} as known_at
from {{ known_calls('(select min(period_start) from reopened)') }} call
where call.request_timestamp < {{ period('day', at()) }}
  and call.customer <> 'unknown'
  {% if is_incremental() %}
  and {{ period('day', 'call.request_timestamp') }} in (select period_start from reopened)
  {% endif %}
group by 1, 2, 3, 4
