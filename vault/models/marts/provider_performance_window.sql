{{ config(materialized='view', tags=['performance-windows']) }}

select
  provider || '/' || model || '/' || to_char(window_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    as performance_bk,
  window_start,
  window_end,
  provider,
  model,
  total_requests,
  successful_requests,
  failed_requests,
  average_latency_ms,
  p95_latency_ms,
  p99_latency_ms,
  average_time_to_first_token_ms,
  p95_time_to_first_token_ms,
  trim_scale(round(100.0 * failed_requests / total_requests, 6)) as error_rate_percent,
  trim_scale(round(100.0 * successful_requests / nullif(successful_requests + failed_requests, 0), 6))
    as availability_percent,
  tokens_processed,
  -- Six decimals, half up, in whole numbers: `/` keeps 16 digits in all, which a large cost uses up.
  trim_scale(div(2000000 * provider_cost + rated_tokens, nullif(2 * rated_tokens, 0)) * 0.000001)
    as average_cost_per_token,
  known_at
from {{ ref('performance_window') }}
