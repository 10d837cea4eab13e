-- The point-in-time table names the rows of the views of states and of times.
select snapshot_day, key
from {{ differs_from_history(
  ref('pit_customer'), 'customer_hk',
  source('gateway', 'customer_config_s'), source('gateway', 'customer_config_s_history'), 'customer_hk',
  'customer_config_s'
) }} config
union all
select snapshot_day, key
from {{ differs_from_history(
  ref('pit_customer'), 'customer_hk',
  source('gateway', 'customer_pii_s'), source('gateway', 'customer_pii_s_history'), 'customer_hk',
  'customer_pii_s'
) }} pii
union all
select point.snapshot_day, point.customer_hk
from {{ ref('pit_customer') }} point
left join {{ source('gateway', 'customer_tenant_effectivity_s_history') }} held
  on held.customer_hk = point.customer_hk
  and held.applied_date <= point.as_of
  and (held.load_end_date is null or held.load_end_date > point.as_of)
where point.tenant_hk <> coalesce(held.tenant_hk, {{ ghost_key() }})
  and not exists (
    select
    from {{ source('gateway', 'customer_tenant_l') }} l
    join {{ source('gateway', 'customer_tenant_effectivity_s') }} later
      on later.customer_tenant_link_hk = l.customer_tenant_link_hk
      and later.load_date > {{ known() }}
    where l.customer_hk = point.customer_hk
  )
