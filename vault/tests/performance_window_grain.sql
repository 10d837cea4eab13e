-- One row a window, provider and model.
select window_start, provider, model
from {{ ref('performance_window') }}
group by 1, 2, 3
having count(*) > 1
