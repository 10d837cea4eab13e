-- The point-in-time table names the rows of the views of states.
select snapshot_day, key
from {{ differs_from_history(
  ref('pit_offer'), 'model_provider_link_hk',
  source('gateway', 'model_price_s'), source('gateway', 'model_price_s_history'), 'model_provider_link_hk',
  'model_price_s'
) }} price
union all
select snapshot_day, key
from {{ differs_from_history(
  ref('pit_offer'), 'model_hk',
  source('gateway', 'model_s'), source('gateway', 'model_s_history'), 'model_hk',
  'model_s'
) }} of_model
union all
select snapshot_day, key
from {{ differs_from_history(
  ref('pit_offer'), 'provider_hk',
  source('gateway', 'ai_provider_s'), source('gateway', 'ai_provider_s_history'), 'provider_hk',
  'ai_provider_s'
) }} of_provider
