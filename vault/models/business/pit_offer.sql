{{ config(
  materialized='incremental',
  incremental_strategy='delete+insert',
  unique_key=['snapshot_day', 'model_provider_link_hk'],
  indexes=[
    {'columns': ['model_provider_link_hk', 'snapshot_day'], 'unique': true},
    {'columns': ['snapshot_day']},
    {'columns': ['change_position', 'known_at']}
  ],
  tags=['point-in-time']
) }}

with extent as {{ days_to_make() }},

reopened as (
  {% if is_incremental() %}
  select model_provider_link_hk, min(coalesce({{ period('day', 'applied_date') }}, '-infinity')) as from_day
  from (
    select key as model_provider_link_hk, applied_date
    from {{ changed_since_seen(
      ['model_provider_l', 'model_price_s'], [source('gateway', 'model_price_s')], 'model_provider_link_hk'
    ) }} of_offer
    union all
    select l.model_provider_link_hk, of_model.applied_date
    from {{ changed_since_seen(['model_h', 'model_s'], [source('gateway', 'model_s')], 'model_hk') }} of_model
    join {{ source('gateway', 'model_provider_l') }} l on l.model_hk = of_model.key
    union all
    select l.model_provider_link_hk, of_provider.applied_date
    from {{ changed_since_seen(
      ['ai_provider_h', 'ai_provider_s'], [source('gateway', 'ai_provider_s')], 'provider_hk'
    ) }} of_provider
    join {{ source('gateway', 'model_provider_l') }} l on l.provider_hk = of_provider.key
  ) changed
  group by 1
  {% else %}
  select model_provider_link_hk, '-infinity'::timestamptz as from_day from {{ source('gateway', 'model_provider_l') }}
  {% endif %}
)

select
  day.snapshot_day,
  day.as_of,
  offer.model_provider_link_hk,
  offer.model_hk,
  offer.provider_hk,
  model.model_bk as model,
  provider.provider_bk as provider,
  price.key as model_price_s_hk,
  price.applied_date as model_price_s_applied_date,
  price.load_date as model_price_s_load_date,
  price.hash_diff as model_price_s_hash_diff,
  of_model.key as model_s_hk,
  of_model.applied_date as model_s_applied_date,
  of_model.load_date as model_s_load_date,
  of_model.hash_diff as model_s_hash_diff,
  of_provider.key as ai_provider_s_hk,
  of_provider.applied_date as ai_provider_s_applied_date,
  of_provider.load_date as ai_provider_s_load_date,
  of_provider.hash_diff as ai_provider_s_hash_diff,
  {{ newest_change() }} as change_position,
  {{ known() }} as known_at
from {{ source('gateway', 'model_provider_l') }} offer
join {{ source('gateway', 'model_h') }} model on model.model_hk = offer.model_hk
join {{ source('gateway', 'ai_provider_h') }} provider on provider.provider_hk = offer.provider_hk
-- An offer begins with its first price.
join {{ first_days(source('gateway', 'model_price_s'), 'model_provider_link_hk') }} first_price
  on first_price.key = offer.model_provider_link_hk
cross join extent
left join reopened on reopened.model_provider_link_hk = offer.model_provider_link_hk
cross join lateral {{ days_between(
  'greatest(first_price.first_day, least(reopened.from_day, extent.first_new_day))',
  'extent.until_day'
) }} day
cross join lateral {{ held_or_ghost(
  source('gateway', 'model_price_s'), 'model_provider_link_hk', 'offer.model_provider_link_hk', 'day.as_of'
) }} price
cross join lateral {{ held_or_ghost(
  source('gateway', 'model_s'), 'model_hk', 'offer.model_hk', 'day.as_of'
) }} of_model
cross join lateral {{ held_or_ghost(
  source('gateway', 'ai_provider_s'), 'provider_hk', 'offer.provider_hk', 'day.as_of'
) }} of_provider
