-- One row a day and customer.
select snapshot_day, customer_hk
from {{ ref('pit_customer') }}
group by 1, 2
having count(*) > 1
