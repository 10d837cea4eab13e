{# By journal writer, the greatest sequence loaded at known(): (writer, last_sequence). Walks from writer to writer
   and from each one's newest batch down, so that it reads few rows of a table that grows without end. -#}
{% macro journal_positions() -%}
(
  with recursive writer as (
    (select b.writer from {{ source('engine', 'journal_batch') }} b order by b.writer limit 1)
    union all
    select (
      select b.writer
      from {{ source('engine', 'journal_batch') }} b
      where b.writer > w.writer
      order by b.writer
      limit 1
    )
    from writer w
    where w.writer is not null
  )
  select w.writer, newest.last_sequence
  from writer w
  cross join lateral (
    select b.last_sequence
    from {{ source('engine', 'journal_batch') }} b
    where b.writer = w.writer
      and b.loaded_at <= {{ known() }}
    order by b.first_sequence desc
    limit 1
  ) newest
)
{%- endmacro %}

{# The calls known at known(), one row a call, with the business keys of what they relate.
   from_instant: SQL of an instant before which no wanted call came in. It bounds load_date, by which the tables are
   partitioned: a call is recorded after it came in. -#}
{% macro known_calls(from_instant) -%}
(
  select
    s.api_request_hk,
    l.customer_hk,
    l.provider_hk,
    l.model_hk,
    coalesce(customer.customer_bk, 'unknown') as customer,
    coalesce(api_key.api_key_bk, 'unknown') as api_key,
    coalesce(provider.provider_bk, 'unknown') as provider,
    coalesce(model.model_bk, 'unknown') as model,
    coalesce(rule.routing_rule_bk, 'unknown') as routing_rule,
    s.load_date,
    s.request_timestamp,
    s.response_status,
    s.error_code,
    s.is_streamed,
    s.upstream_latency_ms,
    s.time_to_first_token_ms,
    s.prompt_tokens,
    s.completion_tokens,
    s.cached_tokens,
    s.total_tokens,
    s.rating,
    s.provider_cost,
    s.gateway_markup,
    s.customer_cost,
    s.journal_writer,
    s.journal_sequence
  from {{ source('gateway', 'api_request_s') }} s
  join {{ journal_positions() }} loaded
    on loaded.writer = s.journal_writer
    and s.journal_sequence <= loaded.last_sequence
  join {{ source('gateway', 'api_request_l') }} l
    on l.api_request_hk = s.api_request_hk
    and l.load_date = s.load_date
    and l.load_date >= {{ from_instant }}
  left join {{ source('gateway', 'customer_h') }} customer on customer.customer_hk = l.customer_hk
  left join {{ source('auth', 'api_key_h') }} api_key on api_key.api_key_hk = l.api_key_hk
  left join {{ source('gateway', 'ai_provider_h') }} provider on provider.provider_hk = l.provider_hk
  left join {{ source('gateway', 'model_h') }} model on model.model_hk = l.model_hk
  left join {{ source('gateway', 'routing_rule_h') }} rule on rule.routing_rule_hk = l.routing_rule_hk
  where s.load_date >= {{ from_instant }}
)
{%- endmacro %}

{# The least instant of a call that the last run of this job had not read; null when there is no such call. -#}
{% macro first_new_instant() -%}
(
  select min(b.first_instant)
  from {{ journal_positions() }} loaded
  left join {{ positions_before() }} before on before.writer = loaded.writer
  join {{ source('engine', 'journal_batch') }} b
    on b.writer = loaded.writer
    and b.first_sequence > coalesce(before.last_sequence, 0)
    and b.loaded_at <= {{ known() }}
)
{%- endmacro %}

{# The periods before until_instant that hold a call which the last run of this job had not read, or that it had
   not covered: (period_start). unit: day or window. -#}
{% macro reopened_periods(unit, until_instant) -%}
(
  select distinct {{ period(unit, 's.request_timestamp') }} as period_start
  from {{ source('gateway', 'api_request_s') }} s
  join {{ journal_positions() }} loaded
    on loaded.writer = s.journal_writer
    and s.journal_sequence <= loaded.last_sequence
  left join {{ positions_before() }} before on before.writer = s.journal_writer
  where s.load_date >= (select least({{ period(unit, since_at()) }}, {{ first_new_instant() }}))
    and s.request_timestamp < {{ until_instant }}
    and (
      s.journal_sequence > coalesce(before.last_sequence, 0)
      or s.request_timestamp >= {{ period(unit, since_at()) }}
    )
)
{%- endmacro %}
