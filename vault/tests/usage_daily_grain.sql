-- One row a day, customer, provider and model.
select usage_day, customer, provider, model
from {{ ref('usage_daily') }}
group by 1, 2, 3, 4
having count(*) > 1
