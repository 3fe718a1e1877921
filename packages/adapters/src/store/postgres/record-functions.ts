/** Functions for records, logs and the epoch. The channel of `NOTIFY` is made of the schema's name. */
export function recordFunctions(s: string): string {
  return `
create or replace function ${s}.get(
  t text, layout_is int, seen_epoch bigint, record_key text, out outcome text, out value text, out number float8
) language plpgsql as $$
begin
  outcome := ${s}.wrong(t, layout_is, seen_epoch);
  if outcome is not null then return; end if;
  select 'ok', r.value, r.version into outcome, value, number from ${s}.record r
    where r.tenant = t and r.key = record_key and (r.ends is null or r.ends > ${s}.now_ms());
  outcome := coalesce(outcome, 'none');
end $$;

create or replace function ${s}.list(t text, layout_is int, seen_epoch bigint, first_key text, end_key text)
returns table (outcome text, key text, value text, number float8) language plpgsql as $$
declare now_is float8 := ${s}.now_ms();
begin
  outcome := ${s}.wrong(t, layout_is, seen_epoch);
  if outcome is not null then return next; return; end if;
  return query select 'ok', r.key::text, r.value, r.version::float8 from ${s}.record r
    where r.tenant = t and r.key >= first_key and r.key < end_key and (r.ends is null or r.ends > now_is)
    order by r.key;
end $$;

create or replace function ${s}.compare_and_set(
  t text, layout_is int, seen_epoch bigint, record_key text, expected bigint, new_value text, ttl float8,
  out outcome text, out number float8
) language plpgsql as $$
declare now_is float8; known bigint;
begin
  outcome := ${s}.wrong(t, layout_is, seen_epoch);
  if outcome is not null then return; end if;
  outcome := 'lost';
  perform from ${s}.record r where r.tenant = t and r.key = record_key for update;
  now_is := ${s}.now_ms();
  select r.version into known from ${s}.record r
    where r.tenant = t and r.key = record_key and (r.ends is null or r.ends > now_is);
  if coalesce(known, 0) <> expected then return; end if;
  number := nextval('${s}.version');
  if new_value is null then
    delete from ${s}.record r where r.tenant = t and r.key = record_key;
  else
    -- Where there was no row to lock, another writer may have made one since.
    insert into ${s}.record values (t, record_key, new_value, number, now_is + ttl)
      on conflict (tenant, key) do update
        set value = excluded.value, version = excluded.version, ends = excluded.ends
        where record.version = expected or record.ends <= now_is;
    if not found then return; end if;
  end if;
  outcome := 'ok';
  perform pg_notify('gatewright ${s}', jsonb_build_array(t, record_key)::text);
end $$;

create or replace function ${s}.consume(
  t text, layout_is int, seen_epoch bigint, record_key text, out outcome text, out value text
) language plpgsql as $$
begin
  outcome := ${s}.wrong(t, layout_is, seen_epoch);
  if outcome is not null then return; end if;
  delete from ${s}.record r
    where r.tenant = t and r.key = record_key and (r.ends is null or r.ends > ${s}.now_ms())
    returning 'ok', r.value into outcome, value;
  outcome := coalesce(outcome, 'none');
  if outcome = 'ok' then perform pg_notify('gatewright ${s}', jsonb_build_array(t, record_key)::text); end if;
end $$;

-- The row of the log is locked until the commit, so that entries become visible in their order.
create or replace function ${s}.append(
  t text, layout_is int, seen_epoch bigint, log_name text, new_entry text, out outcome text, out number float8
) language plpgsql as $$
declare place bigint;
begin
  outcome := ${s}.wrong(t, layout_is, seen_epoch);
  if outcome is not null then return; end if;
  outcome := 'ok';
  insert into ${s}.log as l values (t, log_name, 1)
    on conflict (tenant, name) do update set last = l.last + 1 returning l.last into place;
  insert into ${s}.entry values (t, log_name, place, new_entry);
  number := place;
end $$;

create or replace function ${s}.read(t text, layout_is int, seen_epoch bigint, log_name text, after bigint, most int)
returns table (outcome text, value text, number float8) language plpgsql as $$
begin
  outcome := ${s}.wrong(t, layout_is, seen_epoch);
  if outcome is not null then return next; return; end if;
  return query select 'ok', e.entry, e.seq::float8 from ${s}.entry e
    where e.tenant = t and e.log = log_name and e.seq > after order by e.seq limit most;
end $$;

create or replace function ${s}.trim(t text, layout_is int, seen_epoch bigint, log_name text, before bigint)
returns text language plpgsql as $$
declare answer text := ${s}.wrong(t, layout_is, seen_epoch);
begin
  if answer is not null then return answer; end if;
  delete from ${s}.entry e where e.tenant = t and e.log = log_name and e.seq < before
    and e.seq < (select l.last from ${s}.log l where l.tenant = t and l.name = log_name);
  return 'ok';
end $$;

-- Begins the state of a tenant where there is none.
create or replace function ${s}.raise_epoch(
  t text, layout_is int, seen_epoch bigint, client_id text, known_mark bigint, kept float8,
  out outcome text, out number float8
) language plpgsql as $$
declare now_is float8 := ${s}.now_ms(); raised bigint;
begin
  if seen_epoch = 0 then insert into ${s}.meta values (t, 0) on conflict do nothing; end if;
  outcome := ${s}.wrong(t, layout_is, seen_epoch);
  if outcome is not null then return; end if;
  if known_mark > coalesce((select m.epoch from ${s}.mark m where m.tenant = t and m.client = client_id), 0) then
    outcome := 'forgot';
    return;
  end if;
  outcome := 'ok';
  update ${s}.meta m set epoch = m.epoch + 1 where m.tenant = t returning m.epoch into raised;
  insert into ${s}.mark values (t, client_id, raised, now_is)
    on conflict (tenant, client) do update set epoch = excluded.epoch, at = excluded.at;
  delete from ${s}.mark m where m.tenant = t and m.at < now_is - kept;
  number := raised;
end $$;
`
}
