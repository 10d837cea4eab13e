select
  count(*) as calls,
  count(distinct customer) filter (where customer <> 'unknown') as customers,
  count(distinct api_key) filter (where api_key <> 'unknown') as api_keys,
  count(*) filter (where response_status = 'SUCCESS') as succeeded,
  count(*) filter (where response_status in ('ERROR', 'TIMEOUT')) as failed,
  count(*) filter (where response_status = 'REFUSED') as refused,
  count(*) filter (where response_status = 'CANCELLED') as cancelled,
  count(*) filter (where response_status = 'ABANDONED') as abandoned,
  -- Of repeated refusals within a minute, only the first has a record: the audit log counts the others.
  count(*) filter (where http_status in (401, 403)) + (
    select coalesce(sum(s.event_count), 0)::bigint
    from audit.audit_event_s s
    where s.action = 'login.fail'
      and s.load_date <= :known::text::timestamptz
      and s.applied_date >= :from::text::timestamptz
      and s.applied_date < :to::text::timestamptz
      and (
        :customer::text is null
        or exists (
          select
          from audit.audit_event_customer_l l
          join gateway.customer_h c on c.customer_hk = l.customer_hk
          where l.audit_event_hk = s.audit_event_hk
            and c.customer_bk = :customer::text))) as failed_authentications,
  count(*) filter (where compliance_flags && array['PHI', 'PII', 'CARD']) as flagged,
  coalesce(sum(total_tokens), 0)::bigint as total_tokens
from calls
