{{ config(
  materialized='incremental',
  incremental_strategy='delete+insert',
  unique_key=['snapshot_day', 'customer_hk'],
  indexes=[
    {'columns': ['customer_hk', 'snapshot_day'], 'unique': true},
    {'columns': ['snapshot_day']},
    {'columns': ['change_position', 'known_at']}
  ],
  tags=['point-in-time']
) }}

with extent as {{ days_to_make() }},

reopened as (
  {% if is_incremental() %}
  select customer_hk, min(coalesce({{ period('day', 'applied_date') }}, '-infinity')) as from_day
  from (
    select key as customer_hk, applied_date
    from {{ changed_since_seen(
      ['customer_h', 'customer_config_s', 'customer_pii_s'],
      [source('gateway', 'customer_config_s'), source('gateway', 'customer_pii_s')],
      'customer_hk'
    ) }} of_customer
    union all
    select l.customer_hk, of_tenancy.applied_date
    from {{ changed_since_seen(
      ['customer_tenant_l', 'customer_tenant_effectivity_s'],
      [source('gateway', 'customer_tenant_effectivity_s')],
      'customer_tenant_link_hk'
    ) }} of_tenancy
    join {{ source('gateway', 'customer_tenant_l') }} l on l.customer_tenant_link_hk = of_tenancy.key
  ) changed
  group by 1
  {% else %}
  select customer_hk, '-infinity'::timestamptz as from_day from {{ source('gateway', 'customer_h') }}
  {% endif %}
),

first_day as (
  select customer_hk, min(first_day) as first_day
  from (
    select key as customer_hk, first_day
    from {{ first_days(source('gateway', 'customer_config_s'), 'customer_hk') }} config
    union all
    select key, first_day
    from {{ first_days(source('gateway', 'customer_pii_s'), 'customer_hk') }} pii
    union all
    select l.customer_hk, tenancy.first_day
    from {{ first_days(source('gateway', 'customer_tenant_effectivity_s'), 'customer_tenant_link_hk') }} tenancy
    join {{ source('gateway', 'customer_tenant_l') }} l on l.customer_tenant_link_hk = tenancy.key
  ) heard
  group by 1
)

select
  day.snapshot_day,
  day.as_of,
  customer.customer_hk,
  customer.customer_bk as customer,
  config.key as customer_config_s_hk,
  config.applied_date as customer_config_s_applied_date,
  config.load_date as customer_config_s_load_date,
  config.hash_diff as customer_config_s_hash_diff,
  pii.key as customer_pii_s_hk,
  pii.applied_date as customer_pii_s_applied_date,
  pii.load_date as customer_pii_s_load_date,
  pii.hash_diff as customer_pii_s_hash_diff,
  coalesce(tenancy.tenant_hk, {{ ghost_key() }}) as tenant_hk,
  joined.customer_tenant_link_hk as customer_tenant_effectivity_s_hk,
  joined.applied_date as customer_tenant_effectivity_s_applied_date,
  joined.load_date as customer_tenant_effectivity_s_load_date,
  joined.hash_diff as customer_tenant_effectivity_s_hash_diff,
  {{ newest_change() }} as change_position,
  {{ known() }} as known_at
from {{ source('gateway', 'customer_h') }} customer
join first_day on first_day.customer_hk = customer.customer_hk
cross join extent
left join reopened on reopened.customer_hk = customer.customer_hk
cross join lateral {{ days_between(
  'greatest(first_day.first_day, least(reopened.from_day, extent.first_new_day))',
  'extent.until_day'
) }} day
cross join lateral {{ held_or_ghost(
  source('gateway', 'customer_config_s'), 'customer_hk', 'customer.customer_hk', 'day.as_of'
) }} config
cross join lateral {{ held_or_ghost(
  source('gateway', 'customer_pii_s'), 'customer_hk', 'customer.customer_hk', 'day.as_of'
) }} pii
-- The tenant that the customer joined last, unless it left it since.
left join lateral (
  select opened.customer_tenant_link_hk, opened.tenant_hk, opened.applied_date, opened.load_date, opened.hash_diff
  from (
    select state.customer_tenant_link_hk, l.tenant_hk, state.applied_date, state.load_date, state.hash_diff
    from {{ source('gateway', 'customer_tenant_l') }} l
    join {{ source('gateway', 'customer_tenant_effectivity_s') }} state
      on state.customer_tenant_link_hk = l.customer_tenant_link_hk
    where l.customer_hk = customer.customer_hk
      and state.is_effective
      and state.applied_date <= day.as_of
      and state.load_date <= {{ known() }}
    order by
      state.applied_date desc,
      state.load_date desc,
      state.hash_diff desc,
      state.customer_tenant_link_hk desc
    limit 1
  ) opened
  where not exists (
    select
    from {{ source('gateway', 'customer_tenant_effectivity_s') }} closing
    where closing.customer_tenant_link_hk = opened.customer_tenant_link_hk
      and not closing.is_effective
      and closing.applied_date <= day.as_of
      and closing.load_date <= {{ known() }}
      and (closing.applied_date, closing.load_date, closing.hash_diff)
        > (opened.applied_date, opened.load_date, opened.hash_diff)
  )
) tenancy on true
join {{ source('gateway', 'customer_tenant_effectivity_s') }} joined
  on joined.customer_tenant_link_hk = coalesce(tenancy.customer_tenant_link_hk, {{ ghost_key() }})
  and (tenancy.customer_tenant_link_hk is null or (joined.applied_date, joined.load_date, joined.hash_diff)
    = (tenancy.applied_date, tenancy.load_date, tenancy.hash_diff))
where customer.customer_hk <> {{ ghost_key() }}
