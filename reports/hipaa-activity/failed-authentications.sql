select
  request_timestamp,
  request_id,
  customer,
  api_key,
  endpoint,
  http_status,
  error_code,
  request_ip,
  user_agent
from calls
where http_status in (401, 403)
order by request_timestamp, request_id collate "C"
