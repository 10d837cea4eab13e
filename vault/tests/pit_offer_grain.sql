-- One row a day and offer.
select snapshot_day, model_provider_link_hk
from {{ ref('pit_offer') }}
group by 1, 2
having count(*) > 1
