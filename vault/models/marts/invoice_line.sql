{{ config(materialized='view', tags=['invoices']) }}

with period as (
  select
    (({{ period('month', at()) }} at time zone 'UTC' - interval '1 month') at time zone 'UTC') as period_start,
    {{ period('month', at()) }} as period_end
),

-- Everything issued, whenever it became known: a call must never be billed twice.
issued as (
  select distinct on (state.invoice_hk)
    state.invoice_hk,
    l.customer_hk,
    state.period_start,
    state.period_end,
    state.known_at,
    state.cut_off
  from {{ source('billing', 'invoice_s') }} state
  join {{ source('billing', 'invoice_customer_l') }} l on l.invoice_hk = state.invoice_hk
  order by state.invoice_hk, state.applied_date desc, state.load_date desc, state.hash_diff desc
),

-- Each invoice covers its customer's calls before its period's end up to a sequence of each writer, the earlier
-- invoices' included; so an invoice of a longer period that knew more stands for the others.
billed_position as (
  select issued.customer_hk, issued.period_end, position.key::uuid as writer, position.value::bigint as last_sequence
  from issued
  cross join lateral jsonb_each_text(issued.cut_off) position
  where not exists (
    select
    from issued later
    where later.customer_hk = issued.customer_hk
      and later.period_end >= issued.period_end
      and later.known_at >= issued.known_at
      and (later.period_end, later.known_at) <> (issued.period_end, issued.known_at)
  )
),

call as (
  select
    call.customer,
    call.customer_hk,
    (date_trunc('month', call.request_timestamp at time zone 'UTC'))::date as service_period,
    case call.rating when 'RATED' then 'usage' when 'UNPRICED' then 'unpriced' else 'no_usage' end as line_kind,
    case when call.rating = 'NONE' then null else call.provider end as provider,
    case when call.rating = 'NONE' then null else call.model end as model,
    call.prompt_tokens,
    call.completion_tokens,
    call.cached_tokens,
    call.provider_cost,
    call.gateway_markup,
    call.customer_cost
  from {{ known_calls('(select least(period_start, ' ~ period('month', since_at()) ~ ', ' ~ first_new_instant() ~ ') from period)') }} call
  cross join period
  where call.request_timestamp < period.period_end
    and call.customer <> 'unknown'
    and not exists (
      select
      from billed_position billed
      where billed.customer_hk = call.customer_hk
        and billed.writer = call.journal_writer
        and call.journal_sequence <= billed.last_sequence
        and call.request_timestamp < billed.period_end
    )
),

line as (
  select
    customer,
    customer_hk,
    service_period,
    line_kind,
    provider,
    model,
    count(*) as call_count,
    coalesce(sum(prompt_tokens), 0)::bigint as prompt_tokens,
    coalesce(sum(completion_tokens), 0)::bigint as completion_tokens,
    coalesce(sum(cached_tokens), 0)::bigint as cached_tokens,
    trim_scale(coalesce(sum(provider_cost), 0)) as provider_cost,
    trim_scale(coalesce(sum(gateway_markup), 0)) as gateway_markup,
    trim_scale(coalesce(sum(customer_cost), 0)) as control_sum
  from call
  group by 1, 2, 3, 4, 5, 6
),

entity as (
  select distinct on (l.customer_hk) l.customer_hk, tenant.billing_entity
  from {{ source('gateway', 'customer_tenant_l') }} l
  join {{ source('gateway', 'customer_tenant_effectivity_s') }} joined
    on joined.customer_tenant_link_hk = l.customer_tenant_link_hk
    and joined.is_effective
    and joined.applied_date <= {{ at() }}
    and joined.load_date <= {{ known() }}
  join {{ as_of(source('auth', 'tenant_s'), 'tenant_hk', 'billing_entity', at()) }} tenant
    on tenant.tenant_hk = l.tenant_hk
  order by
    l.customer_hk,
    joined.applied_date desc,
    joined.load_date desc,
    joined.hash_diff desc,
    joined.customer_tenant_link_hk desc
)

select
  line.customer,
  entity.billing_entity,
  (period.period_start at time zone 'UTC')::date as billing_period,
  period.period_start,
  period.period_end,
  line.service_period,
  line.line_kind,
  line.provider,
  line.model,
  line.call_count,
  line.prompt_tokens,
  line.completion_tokens,
  line.cached_tokens,
  line.provider_cost,
  line.gateway_markup,
  line.control_sum,
  exists (
    select
    from issued
    where issued.customer_hk = line.customer_hk
      and issued.period_start = period.period_start
  ) as is_billed_already
from line
cross join period
left join entity on entity.customer_hk = line.customer_hk
