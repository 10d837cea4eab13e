select
  count(*) as calls,
  count(distinct customer) filter (where customer <> 'unknown') as customers,
  count(distinct api_key) filter (where api_key <> 'unknown') as api_keys,
  count(*) filter (where response_status = 'SUCCESS') as succeeded,
  count(*) filter (where response_status in ('ERROR', 'TIMEOUT')) as failed,
  count(*) filter (where response_status = 'REFUSED') as refused,
  count(*) filter (where response_status = 'CANCELLED') as cancelled,
  count(*) filter (where response_status = 'ABANDONED') as abandoned,
  count(*) filter (where http_status in (401, 403)) as failed_authentications,
  count(*) filter (where compliance_flags && array['PHI', 'PII', 'CARD']) as flagged,
  coalesce(sum(total_tokens), 0)::bigint as total_tokens
from calls
