-- The calls that the report covers: one row a call.
select
  s.request_timestamp,
  h.api_request_bk as request_id,
  coalesce(customer.customer_bk, 'unknown') as customer,
  coalesce(api_key.api_key_bk, 'unknown') as api_key,
  s.endpoint,
  s.request_type,
  s.model_requested,
  s.model_used,
  coalesce(provider.provider_bk, 'unknown') as provider,
  s.response_status,
  s.http_status,
  s.error_code,
  s.compliance_flags,
  s.request_ip,
  s.user_agent,
  s.prompt_tokens,
  s.completion_tokens,
  s.total_tokens,
  s.provider_cost,
  s.customer_cost,
  s.rating,
  s.hash_diff,
  l.api_request_link_hk
from gateway.api_request_s s
join jsonb_each_text(:cut_off::text::jsonb) loaded
  on loaded.key = s.journal_writer::text
  and s.journal_sequence <= loaded.value::bigint
join gateway.api_request_h h
  on h.api_request_hk = s.api_request_hk
  and h.load_date = s.load_date
  and h.load_date >= :from::text::timestamptz
join gateway.api_request_l l
  on l.api_request_hk = s.api_request_hk
  and l.load_date = s.load_date
  and l.load_date >= :from::text::timestamptz
left join gateway.customer_h customer on customer.customer_hk = l.customer_hk
left join auth.api_key_h api_key on api_key.api_key_hk = l.api_key_hk
left join gateway.ai_provider_h provider on provider.provider_hk = l.provider_hk
where s.load_date >= :from::text::timestamptz
  and s.request_timestamp >= :from::text::timestamptz
  and s.request_timestamp < :to::text::timestamptz
  and (:customer::text is null or customer.customer_bk = :customer::text)
