{{ config(
  materialized='incremental',
  incremental_strategy='delete+insert',
  unique_key=['window_start', 'provider', 'model'],
  indexes=[{'columns': ['window_start']}],
  tags=['performance-windows']
) }}

with reopened as (
  {% if is_incremental() %}
  select period_start from {{ reopened_periods('window', period('window', at())) }} period
  {% else %}
  select '-infinity'::timestamptz as period_start
  {% endif %}
),

call as (
  select
    {{ period('window', 'call.request_timestamp') }} as window_start,
    call.*,
    last_attempt.provider_key is null as is_on_operators_bill,
    call.response_status = 'SUCCESS' as is_success,
    -- A call that we refused, or that the client gave up, says nothing about the provider.
    call.response_status in ('ERROR', 'TIMEOUT') as is_failure
  from {{ known_calls('(select min(period_start) from reopened)') }} call
  left join {{ source('gateway', 'api_request_route_s') }} route
    on route.api_request_hk = call.api_request_hk
    and route.load_date = call.load_date
    and route.load_date >= (select min(period_start) from reopened)
  cross join lateral (
    select
      route.attempts -> -1 ->> 'provider_key' as provider_key,
      route.attempts -> -1 ->> 'customers_own' as customers_own
  ) last_attempt
  where call.request_timestamp < {{ period('window', at()) }}
    and call.provider <> 'unknown'
    -- An endpoint or a model of a customer's own says nothing about the provider, and with a customer's own key only
    -- those failures do that have no other cause than the provider.
    and last_attempt.customers_own is null
    and (
      last_attempt.provider_key is null
      or call.response_status not in ('ERROR', 'TIMEOUT')
      or call.error_code in (
        'provider_error',
        'provider_malformed',
        'provider_disconnected',
        'provider_unreachable',
        'provider_timeout'
      )
    )
    -- A window with destroyed calls cannot be measured again: it stays as it was.
    and not exists (
      select
      from {{ source('ops', 'destruction_certificate_s') }} destroyed
      where destroyed.first_request < {{ period('window', 'call.request_timestamp') }} + interval '5 minutes'
        and destroyed.last_request >= {{ period('window', 'call.request_timestamp') }}
    )
    {% if is_incremental() %}
    and {{ period('window', 'call.request_timestamp') }} in (select period_start from reopened)
    {% endif %}
)

select
  window_start,
  window_start + interval '5 minutes' as window_end,
  provider,
  model,
  count(*) as total_requests,
  count(*) filter (where is_success) as successful_requests,
  count(*) filter (where is_failure) as failed_requests,
  round(avg(upstream_latency_ms) filter (where is_success))::integer as average_latency_ms,
  percentile_disc(0.95) within group (order by upstream_latency_ms) filter (where is_success) as p95_latency_ms,
  percentile_disc(0.99) within group (order by upstream_latency_ms) filter (where is_success) as p99_latency_ms,
  round(avg(time_to_first_token_ms) filter (where is_streamed))::integer as average_time_to_first_token_ms,
  percentile_disc(0.95) within group (order by time_to_first_token_ms)
    filter (where is_streamed) as p95_time_to_first_token_ms,
  coalesce(sum(total_tokens), 0)::bigint as tokens_processed,
  -- What a customer's own key paid for costs us nothing, which is not what the provider's tokens cost.
  coalesce(sum(total_tokens) filter (where rating = 'RATED' and is_on_operators_bill), 0)::bigint as rated_tokens,
  coalesce(sum(provider_cost) filter (where rating = 'RATED' and is_on_operators_bill), 0) as provider_cost,
  {{ known() }} as known_at
from call
group by window_start, provider, model
