select
  request_timestamp,
  request_id,
  customer,
  api_key,
  endpoint,
  request_type,
  model_requested,
  model_used,
  provider,
  response_status,
  http_status,
  error_code,
  array_to_string(compliance_flags, ' ') as compliance_flags,
  request_ip,
  user_agent,
  prompt_tokens,
  completion_tokens,
  total_tokens
from calls
order by request_timestamp, request_id collate "C"
