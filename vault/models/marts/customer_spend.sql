{{ config(
  materialized='incremental',
  incremental_strategy='delete+insert',
  unique_key=['billing_period', 'customer'],
  indexes=[{'columns': ['known_at']}],
  tags=['spend']
) }}

with today as (
  select
    {{ period('day', at()) }} as usage_day,
    call.customer,
    call.provider,
    call.model,
    count(*) as call_count,
    coalesce(sum(call.total_tokens), 0)::bigint as total_tokens,
    coalesce(sum(call.provider_cost), 0) as provider_cost,
    coalesce(sum(call.gateway_markup), 0) as gateway_markup,
    coalesce(sum(call.customer_cost), 0) as customer_cost
  from {{ known_calls(period('day', at())) }} call
  where call.request_timestamp >= {{ period('day', at()) }}
    and call.request_timestamp < {{ at() }}
    and call.customer <> 'unknown'
  group by 2, 3, 4
),

invoice as (
  select distinct on (state.invoice_hk)
    customer.customer_bk as customer,
    state.period_start,
    state.invoice_status,
    state.load_date
  from {{ source('billing', 'invoice_s') }} state
  join {{ source('billing', 'invoice_customer_l') }} l on l.invoice_hk = state.invoice_hk
  join {{ source('gateway', 'customer_h') }} customer on customer.customer_hk = l.customer_hk
  where state.load_date <= {{ known() }}
  order by state.invoice_hk, state.applied_date desc, state.load_date desc, state.hash_diff desc
),

-- What a run must look at again: months with new calls, newly billed ones, and this month where a budget changed.
reopened as (
  select customer, {{ period('month', 'usage_day') }} as month_start from today
  union
  select customer, {{ period('month', 'usage_day') }}
  from {{ ref('usage_daily') }}
  where usage_day < {{ period('day', at()) }}
    {% if is_incremental() %}
    and known_at = {{ known() }}
    {% endif %}
  union
  select customer, period_start from invoice where load_date > {{ since_known() }}
  union
  select customer.customer_bk, {{ period('month', at()) }}
  from {{ source('gateway', 'customer_config_s') }} config
  join {{ source('gateway', 'customer_h') }} customer on customer.customer_hk = config.customer_hk
  where config.load_date > {{ since_known() }}
    and config.load_date <= {{ known() }}
),

usage as (
  select daily.usage_day, daily.customer, daily.provider, daily.model, daily.call_count, daily.total_tokens,
    daily.provider_cost, daily.gateway_markup, daily.customer_cost
  from {{ ref('usage_daily') }} daily
  where daily.usage_day < {{ period('day', at()) }}
  union all
  select usage_day, customer, provider, model, call_count, total_tokens, provider_cost, gateway_markup, customer_cost
  from today
),

by_model as (
  select
    usage.customer,
    reopened.month_start,
    usage.provider,
    usage.model,
    sum(usage.call_count) as call_count,
    sum(usage.total_tokens) as total_tokens,
    sum(usage.provider_cost) as provider_cost,
    sum(usage.gateway_markup) as gateway_markup,
    sum(usage.customer_cost) as customer_cost
  from reopened
  join usage
    on usage.customer = reopened.customer
    and usage.usage_day >= reopened.month_start
    and usage.usage_day < {{ add_month('reopened.month_start') }}
  group by 1, 2, 3, 4
),

by_provider_json as (
  select customer, month_start, jsonb_object_agg(provider, trim_scale(cost)::text) as cost_by_provider
  from (
    select customer, month_start, provider, sum(customer_cost) as cost
    from by_model
    where provider <> 'unknown'
    group by 1, 2, 3
  ) summed
  group by 1, 2
),

by_model_json as (
  select customer, month_start, jsonb_object_agg(model, trim_scale(cost)::text) as cost_by_model
  from (
    select customer, month_start, model, sum(customer_cost) as cost
    from by_model
    where model <> 'unknown'
    group by 1, 2, 3
  ) summed
  group by 1, 2
),

total as (
  select
    customer,
    month_start,
    sum(call_count)::bigint as total_requests,
    sum(total_tokens)::bigint as total_tokens,
    trim_scale(sum(provider_cost)) as total_provider_cost,
    trim_scale(sum(gateway_markup)) as total_gateway_revenue,
    trim_scale(sum(customer_cost)) as total_customer_charges
  from by_model
  group by 1, 2
),

budget as (
  select total.customer, total.month_start, held.cost_budget_monthly
  from total
  join {{ source('gateway', 'customer_h') }} customer on customer.customer_bk = total.customer
  cross join lateral (
    select config.cost_budget_monthly
    from {{ source('gateway', 'customer_config_s') }} config
    where config.customer_hk = customer.customer_hk
      and config.applied_date <= least({{ at() }}, {{ add_month('total.month_start') }})
      and config.load_date <= {{ known() }}
    order by config.applied_date desc, config.load_date desc, config.hash_diff desc
    limit 1
  ) held
)

select
  (total.month_start at time zone 'UTC')::date as billing_period,
  total.customer,
  -- Not past what was known: a run for a future instant must not stand before those that come until then.
  least({{ at() }}, {{ add_month('total.month_start') }}, {{ known() }}) as applied_date,
  total.total_requests,
  total.total_tokens,
  total.total_provider_cost,
  total.total_gateway_revenue,
  total.total_customer_charges,
  coalesce(by_provider_json.cost_by_provider, '{}'::jsonb) as cost_by_provider,
  coalesce(by_model_json.cost_by_model, '{}'::jsonb) as cost_by_model,
  -- greatest() passes over nulls, and a missing budget must stay one.
  case
    when budget.cost_budget_monthly is null then null
    else greatest(total.total_customer_charges - budget.cost_budget_monthly, 0)
  end as overage_charges,
  null::numeric as credits_applied,
  case
    when billed.invoice_status = 'PAID' then 'PAID'
    when billed.invoice_status is not null then 'BILLED'
    else 'PENDING'
  end as billing_status,
  {{ known() }} as known_at
from total
left join by_provider_json using (customer, month_start)
left join by_model_json using (customer, month_start)
left join budget using (customer, month_start)
left join (
  select customer, period_start as month_start, max(invoice_status) as invoice_status
  from invoice
  group by 1, 2
) billed using (customer, month_start)
