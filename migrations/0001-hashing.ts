import type { Knex } from 'knex';

/**
 * Schemas, the role that the product may run as, and the hashing functions. An encoded component is
 * `<tag><byte length>:<text>`, so that no value can reach into its neighbour; the product writes the same bytes.
 */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(SCHEMAS);
  await knex.raw(ENCODERS);
  await knex.raw(JSON_ENCODER);
  await knex.raw(HASHES);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const SCHEMAS = `
do $$
begin
  if current_setting('server_encoding') <> 'UTF8' then
    raise exception 'the database must be UTF8, not %: hashes are made of UTF-8', current_setting('server_encoding');
  end if;
end $$;

create schema util;
create schema auth;
create schema gateway;
create schema billing;
create schema ops;
create schema audit;
create schema privacy;

-- Roles belong to the whole cluster: another database may have made it already.
do $$
begin
  create role onevault_gateway nologin;
exception
  when duplicate_object or unique_violation then null;
end $$;

grant usage on schema util, auth, gateway, billing, ops, audit, privacy to onevault_gateway;
`;

const ENCODERS = `
-- Takes the value, not only the reason: with constants alone the planner would run it ahead of the question.
create function util.refuse(value text, reason text) returns text
language plpgsql immutable parallel safe as $$
begin
  raise exception '% %', value, reason using errcode = 'data_exception';
end $$;

create function util.encode_text(value text) returns text
language sql immutable parallel safe as $$
  select case
    when value is null then 'n0:'
    else 't' || octet_length(normalize(value, nfc))::text || ':' || normalize(value, nfc)
  end
$$;

create function util.encode_uuid(value uuid) returns text
language sql immutable parallel safe as $$
  select case when value is null then 'n0:' else 't36:' || value::text end
$$;

-- As a timestamp without time zone: of a date to_char makes one with, and a zone may have skipped that day.
create function util.encode_date(value date) returns text
language sql immutable parallel safe as $$
  select case
    when value is null then 'n0:'
    when value between date '0001-01-01' and date '9999-12-31' then 't10:' || to_char(value::timestamp, 'YYYY-MM-DD')
    else util.refuse(value::text, 'is outside the years 0001 to 9999')
  end
$$;

create function util.encode_number(value numeric) returns text
language sql immutable parallel safe as $$
  select case
    when value is null then 'n0:'
    when value in ('NaN', 'Infinity', '-Infinity') then util.refuse(value::text, 'is not finite')
    else 'i' || length(trim_scale(value)::text)::text || ':' || trim_scale(value)::text
  end
$$;

create function util.encode_boolean(value boolean) returns text
language sql immutable parallel safe as $$
  select case when value is null then 'n0:' when value then 'b1:t' else 'b1:f' end
$$;

create function util.encode_instant(value timestamptz) returns text
language sql immutable parallel safe as $$
  select case
    when value is null then 'n0:'
    when value >= timestamptz '0001-01-01 00:00:00+00' and value < timestamptz '10000-01-01 00:00:00+00'
      then 'd27:' || to_char(value at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    else util.refuse(value::text, 'is outside the years 0001 to 9999')
  end
$$;

create function util.encode_bytes(value bytea) returns text
language sql immutable parallel safe as $$
  select case
    when value is null then 'n0:'
    else 'x' || (octet_length(value) * 2)::text || ':' || encode(value, 'hex')
  end
$$;

-- Takes components that are encoded already.
create function util.encode_array(encoded text[]) returns text
language sql immutable parallel safe as $$
  select case
    when encoded is null then 'n0:'
    when array_position(encoded, null) is not null then util.refuse(encoded::text, 'holds a null, which an encoded component never is')
    else 'a' || octet_length(array_to_string(encoded, ''))::text || ':' || array_to_string(encoded, '')
  end
$$;

create function util.encode_text_array(value text[]) returns text
language sql immutable parallel safe as $$
  select case
    when value is null then 'n0:'
    else util.encode_array(array(
      select util.encode_text(element)
      from unnest(value) with ordinality as elements (element, place)
      order by place))
  end
$$;
`;

const JSON_ENCODER = String.raw`
-- RFC 8785 sorts keys by UTF-16 code units, where characters past U+FFFF (surrogates, D800 to DFFF) stand before
-- U+E000 to U+FFFF; code points stand the other way round. A mark before the latter mends that, and the last code
-- point, which is the mark, gets a tail that sorts it first among what begins with the mark.
create function util.utf16_order(key text) returns text
language sql immutable parallel safe as $$
  select case
    when octet_length(key) = length(key) then key
    else regexp_replace(
      replace(key, U&'\+10FFFF', U&'\+10FFFF\0001'),
      U&'([\E000-\FFFF])', U&'\+10FFFF' || '\1', 'g')
  end
$$;

-- RFC 8785, with safe integers as the only numbers. jsonb writes strings with the escapes that it asks for.
create function util.canonical_json(value jsonb) returns text
language plpgsql immutable parallel safe as $$
declare
  number numeric;
begin
  case jsonb_typeof(value)
    when 'object' then
      return '{' || coalesce((
        select string_agg(to_json(key)::text || ':' || util.canonical_json(member), ','
          order by util.utf16_order(key) collate "C")
        from jsonb_each(value) as members (key, member)), '') || '}';
    when 'array' then
      return '[' || coalesce((
        select string_agg(util.canonical_json(element), ',' order by place)
        from jsonb_array_elements(value) with ordinality as elements (element, place)), '') || ']';
    when 'number' then
      number := value::text::numeric;
      if number <> trunc(number) or abs(number) > 9007199254740991 then
        raise exception 'a number in JSON must be a safe integer, not %', number using errcode = 'data_exception';
      end if;
      return trunc(number)::text;
    else
      return value::text;
  end case;
end $$;

create function util.encode_json(value jsonb) returns text
language sql immutable parallel safe as $$
  select case
    when value is null then 'n0:'
    else (
      select 'j' || octet_length(canonical)::text || ':' || canonical
      from (select util.canonical_json(value)) as written (canonical))
  end
$$;
`;

const HASHES = `
create function util.hash(domain text, encoded text) returns bytea
language sql immutable parallel safe as $$
  select sha256(convert_to(domain, 'UTF8') || decode('00', 'hex') || convert_to(encoded, 'UTF8'))
$$;

-- Encoded components, put together.
create function util.join_encoded(encoded text[]) returns text
language sql immutable parallel safe as $$
  select case
    when array_position(encoded, null) is not null
      then util.refuse(encoded::text, 'holds a null, which an encoded component never is')
    else array_to_string(encoded, '')
  end
$$;

-- The encoded parts of the business key, in declared order.
create function util.hash_hub(hub text, variadic encoded text[]) returns bytea
language sql immutable parallel safe as $$
  select util.hash('hub:' || hub, util.join_encoded(encoded))
$$;

-- The hash keys of the hubs, in declared order, and the encoded dependent key, empty where there is none.
create function util.hash_link_dependent(link text, hub_keys bytea[], dependent_key text) returns bytea
language sql immutable parallel safe as $$
  select util.hash('link:' || link, (
    select string_agg(util.encode_bytes(hub_key), '' order by place)
    from unnest(hub_keys) with ordinality as keys (hub_key, place)) || dependent_key)
$$;

create function util.hash_link(link text, variadic hub_keys bytea[]) returns bytea
language sql immutable parallel safe as $$
  select util.hash_link_dependent(link, hub_keys, '')
$$;

-- The encoded payload columns in name order; of a multi-active set, one encoded array of encoded rows.
create function util.hash_diff(satellite text, variadic encoded text[]) returns bytea
language sql immutable parallel safe as $$
  select util.hash('diff:' || satellite, util.join_encoded(encoded))
$$;
`;
