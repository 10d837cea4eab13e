select
  customer,
  api_key,
  count(*) as calls,
  count(*) filter (where response_status = 'SUCCESS') as succeeded,
  count(*) filter (where response_status <> 'SUCCESS') as not_succeeded,
  count(distinct request_ip) as addresses,
  min(request_timestamp) as first_call,
  max(request_timestamp) as last_call
from calls
group by customer, api_key
order by customer collate "C", api_key collate "C"
