{# The vars of a run as SQL. Without them: now, everything loaded, and no earlier run. -#}

{% macro at() -%}
'{{ var("at", run_started_at.isoformat()) }}'::timestamptz
{%- endmacro %}

{% macro known() -%}
'{{ var("known", "infinity") }}'::timestamptz
{%- endmacro %}

{% macro since_at() -%}
'{{ var("since_at", "-infinity") }}'::timestamptz
{%- endmacro %}

{% macro since_known() -%}
'{{ var("since_known", "-infinity") }}'::timestamptz
{%- endmacro %}

{# By journal writer, up to where the last run had read: (writer, last_sequence). -#}
{% macro positions_before() -%}
(
  select key::uuid as writer, value::bigint as last_sequence
  from jsonb_each_text('{{ var("since", "{}") }}'::jsonb)
)
{%- endmacro %}

{# The start of the period that an instant lies in, UTC. unit: month, day or window (five minutes). -#}
{% macro period(unit, instant) -%}
{% if unit == 'window' -%}
date_bin('5 minutes', {{ instant }}, '2000-01-01 00:00:00+00'::timestamptz)
{%- else -%}
date_trunc('{{ unit }}', {{ instant }}, 'UTC')
{%- endif %}
{%- endmacro %}

{# The rows of a state satellite that held at an instant as known at known(): one a key, with the columns named. -#}
{% macro as_of(satellite, hash_key, columns, instant) -%}
(
  select distinct on (state.{{ hash_key }}) state.{{ hash_key }}, {{ columns }}
  from {{ satellite }} state
  where state.applied_date <= {{ instant }}
    and state.load_date <= {{ known() }}
  order by state.{{ hash_key }}, state.applied_date desc, state.load_date desc, state.hash_diff desc
)
{%- endmacro %}

{# The start of the month after one that starts at an instant, UTC whatever the session's zone. -#}
{% macro add_month(month_start) -%}
(({{ month_start }} at time zone 'UTC' + interval '1 month') at time zone 'UTC')
{%- endmacro %}
