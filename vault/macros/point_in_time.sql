{# One row: the columns key, applied_date, load_date and hash_diff of the row of a state satellite that held for a key
   at an instant as known at known(), and those of the ghost record where none did. For `cross join lateral`.
   key, instant: SQL of a row to the left of it. -#}
{% macro held_or_ghost(satellite, hash_key, key, instant) -%}
(
  select
    coalesce(held.{{ hash_key }}, ghost.{{ hash_key }}) as key,
    coalesce(held.applied_date, ghost.applied_date) as applied_date,
    coalesce(held.load_date, ghost.load_date) as load_date,
    coalesce(held.hash_diff, ghost.hash_diff) as hash_diff
  from {{ satellite }} ghost
  left join lateral (
    select state.{{ hash_key }}, state.applied_date, state.load_date, state.hash_diff
    from {{ satellite }} state
    where state.{{ hash_key }} = {{ key }}
      and state.applied_date <= {{ instant }}
      and state.load_date <= {{ known() }}
    order by state.applied_date desc, state.load_date desc, state.hash_diff desc
    limit 1
  ) held on true
  where ghost.{{ hash_key }} = {{ ghost_key() }}
)
{%- endmacro %}

{% macro ghost_key() -%}
decode(repeat('00', 32), 'hex')
{%- endmacro %}

{# For each key of a state satellite, the day in whose course something was first both true and known:
   (key, first_day). States of earlier times than the key's first load belong to no day. -#}
{% macro first_days(satellite, hash_key) -%}
(
  select
    state.{{ hash_key }} as key,
    min({{ period('day', 'greatest(state.applied_date, state.load_date)') }}) as first_day
  from {{ satellite }} state
  where state.{{ hash_key }} <> {{ ghost_key() }}
    and state.load_date <= {{ known() }}
  group by 1
)
{%- endmacro %}

{# How far the run before had read: (change_position, known_at). Of a model with both columns. -#}
{% macro seen_before() -%}
(
  select change_position, known_at
  from {{ this }}
  order by change_position desc, known_at desc
  limit 1
)
{%- endmacro %}

{# The newest position of the change feed. A transaction that sees it also sees every smaller one. -#}
{% macro newest_change() -%}
(select coalesce(max(position), 0) from {{ source('engine', 'change_order') }})
{%- endmacro %}

{# What tables got since seen_before(): (key, applied_date), applied_date null of a hub or link. By the change feed,
   because rows may carry old instants (a seed, an import), and by load_date, because the run before passed over what
   came after its known().
   tables: hubs, links and satellites, all with the same hash key. satellites: those of them that are satellites. -#}
{% macro changed_since_seen(tables, satellites, hash_key) -%}
(
  select changed.key, changed.applied_date
  from {{ source('engine', 'change_order') }} placed
  join {{ source('engine', 'load_change') }} change on change.change_id = placed.change_id
  cross join lateral unnest(change.hash_keys, change.applied_dates) as changed (key, applied_date)
  where placed.position > (select change_position from {{ seen_before() }} seen)
    and change.table_name in ({% for table in tables %}'{{ table }}'{% if not loop.last %}, {% endif %}{% endfor %})
  {% for satellite in satellites %}
  union all
  select state.{{ hash_key }}, state.applied_date
  from {{ satellite }} state
  where state.load_date > (select known_at from {{ seen_before() }} seen)
    and state.load_date <= {{ known() }}
  {% endfor %}
)
{%- endmacro %}

{# The end of the last day to make: the day is over, and all of it is known. -#}
{% macro last_day_end() -%}
{{ period('day', 'least(' ~ at() ~ ', ' ~ known() ~ ')') }}
{%- endmacro %}

{# One row: (first_new_day, until_day), the first day that no run has made, and the end of the last to make. Every run
   makes all keys up to the same day, also one for an earlier instant than the run before. -#}
{% macro days_to_make() -%}
(
  {% if is_incremental() %}
  select
    coalesce(max(snapshot_day) + interval '24 hours', '-infinity') as first_new_day,
    greatest(max(snapshot_day) + interval '24 hours', {{ last_day_end() }}) as until_day
  from {{ this }}
  {% else %}
  select '-infinity'::timestamptz as first_new_day, {{ last_day_end() }} as until_day
  {% endif %}
)
{%- endmacro %}

{# The days from from_day on and before until_day: (snapshot_day, as_of), as_of being the day's last instant, to the
   microsecond that instants have. Days are 24 hours whatever the session's zone. -#}
{% macro days_between(from_day, until_day) -%}
(
  select day as snapshot_day, day + interval '24 hours' - interval '1 microsecond' as as_of
  from generate_series({{ from_day }}, {{ until_day }} - interval '24 hours', interval '24 hours') day
)
{%- endmacro %}

{# The rows of a point-in-time table that name another row of a state satellite than its _history says held: none, but
   for keys with later rows than known() covers. -#}
{% macro differs_from_history(table, key, satellite, history, hash_key, prefix) -%}
(
  select point.snapshot_day, point.{{ key }} as key
  from {{ table }} point
  left join {{ history }} held
    on held.{{ hash_key }} = point.{{ key }}
    and held.applied_date <= point.as_of
    and (held.load_end_date is null or held.load_end_date > point.as_of)
  where (
      point.{{ prefix }}_hash_diff <> coalesce(held.hash_diff, {{ ghost_key() }})
      or point.{{ prefix }}_hk <> coalesce(held.{{ hash_key }}, {{ ghost_key() }})
    )
    and not exists (
      select
      from {{ satellite }} later
      where later.{{ hash_key }} = point.{{ key }}
        and later.load_date > {{ known() }}
    )
)
{%- endmacro %}
