select
  s.applied_date as occurred_at,
  e.audit_event_bk as event_id,
  s.actor_kind,
  s.actor,
  s.action,
  s.subject_kind,
  s.subject,
  s.outcome,
  s.reason,
  s.event_count,
  told.customers
from audit.audit_event_s s
join audit.audit_event_h e using (audit_event_hk)
join lateral (
  select string_agg(c.customer_bk, ' ' order by c.customer_bk collate "C") as customers
  from audit.audit_event_customer_l l
  join gateway.customer_h c on c.customer_hk = l.customer_hk
  where l.audit_event_hk = s.audit_event_hk
    and (:customer::text is null or c.customer_bk = :customer::text)) told on told.customers is not null
where s.load_date <= :known::text::timestamptz
  and s.applied_date >= :from::text::timestamptz
  and s.applied_date < :to::text::timestamptz
order by s.applied_date, e.audit_event_bk collate "C"
