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
),

usage as (
  select
    {{ period('day', 'call.request_timestamp') }} as usage_day,
    call.customer,
    call.provider,
    call.model,
    1 as call_count,
    call.total_tokens,
    call.provider_cost,
    call.gateway_markup,
    call.customer_cost
  from {{ known_calls('(select min(period_start) from reopened)') }} call
  where call.request_timestamp < {{ period('day', at()) }}
    and call.customer <> 'unknown'
    {% if is_incremental() %}
    and {{ period('day', 'call.request_timestamp') }} in (select period_start from reopened)
    {% endif %}
  union all
  -- Days of calls that were destroyed left their sums: what comes late is added to them.
  select
    (destroyed.usage_day::timestamp at time zone 'UTC'),
    destroyed.customer,
    destroyed.provider,
    destroyed.model,
    destroyed.call_count,
    destroyed.total_tokens,
    destroyed.provider_cost,
    destroyed.gateway_markup,
    destroyed.customer_cost
  from {{ source('ops', 'destruction_usage_s') }} destroyed
  where (destroyed.usage_day::timestamp at time zone 'UTC') < {{ period('day', at()) }}
    and destroyed.customer <> 'unknown'
    {% if is_incremental() %}
    and destroyed.usage_day in (select (period_start at time zone 'UTC')::date from reopened)
    {% endif %}
)

select
  usage.usage_day,
  usage.customer,
  usage.provider,
  usage.model,
  sum(usage.call_count)::bigint as call_count,
  coalesce(sum(usage.total_tokens), 0)::bigint as total_tokens,
  coalesce(sum(usage.provider_cost), 0) as provider_cost,
  coalesce(sum(usage.gateway_markup), 0) as gateway_markup,
  coalesce(sum(usage.customer_cost), 0) as customer_cost,
  {{ known() }} as known_at
from usage
group by 1, 2, 3, 4
