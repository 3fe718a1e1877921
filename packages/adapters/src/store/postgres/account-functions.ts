/**
 * Functions that reserve, settle and release.
 *
 * Rows of accounts are locked first, in the order of their names, in every function, and the hold's row after them:
 * in any other order two calls could wait for each other. An update that adds to an account locks it, looks for room
 * and writes, all in one statement, and one look-up by its key for each account: that is what makes it quick. What
 * such an update cannot do (begin a bucket, drop an old one, say how long to wait) is left to `advance` and `refused`.
 *
 * `names` are in the order of their bytes; `numbers` are limit, amount, bucket, span and place as given of each.
 */
export function accountFunctions(s: string): string {
  return `
create or replace function ${s}.now_ms() returns float8 language sql volatile as
  $$ select floor(extract(epoch from clock_timestamp()) * 1000)::float8 $$;

-- Null if the store has the layout and the past that the client knows; else what is wrong.
create or replace function ${s}.wrong(t text, layout_is int, seen_epoch bigint) returns text
language plpgsql stable as $$
declare found_schema int; found_epoch bigint;
begin
  select l.schema into found_schema from ${s}.layout l;
  if found_schema is distinct from layout_is then return 'schema ' || coalesce(found_schema, 0); end if;
  select m.epoch into found_epoch from ${s}.meta m where m.tenant = t;
  if coalesce(found_epoch, -1) < seen_epoch then return 'forgot'; end if;
  return null;
end $$;

-- 'ok' if the hold is there, 'full', the place and the wait of the first account with no room, or null. Locks nothing.
create or replace function ${s}.refused(t text, hold_id text, names text[], numbers float8[]) returns text
language plpgsql as $$
declare
  now_is float8 := ${s}.now_ms(); a record; most float8; amount float8; span float8; place float8; used float8;
  older float8; over float8; wait float8; first_place float8; first_wait float8;
begin
  if exists (select from ${s}.hold h where h.tenant = t and h.id = hold_id and h.ends > now_is) then return 'ok'; end if;
  for i in 1 .. cardinality(names) loop
    select x.start, x.used, x.older_starts, x.older_used into a from ${s}.account x
      where x.tenant = t and x.name = names[i];
    most := numbers[5 * i - 4]; amount := numbers[5 * i - 3]; span := numbers[5 * i - 1]; place := numbers[5 * i];
    used := 0; older := 0;
    if a.start is not null and (span = 0 or a.start + span > now_is) then used := a.used; end if;
    for j in 1 .. coalesce(cardinality(a.older_starts), 0) loop
      if a.older_starts[j] + span > now_is then older := older + a.older_used[j]; end if;
    end loop;
    if used + older + amount <= most or place > first_place then continue; end if;
    wait := 0;
    if span > 0 and amount <= most then
      over := used + older + amount - most;
      for j in 1 .. cardinality(a.older_starts) loop
        if a.older_starts[j] + span <= now_is then continue; end if;
        over := over - a.older_used[j];
        if over <= 0 then wait := greatest(1, a.older_starts[j] + span - now_is); exit; end if;
      end loop;
      if over > 0 then wait := greatest(1, a.start + span - now_is); end if;
    end if;
    first_place := place; first_wait := wait;
  end loop;
  return 'full ' || first_place || ' ' || first_wait;
end $$;

-- Locks the accounts and brings them up to the present, which it returns: their newest bucket is the one that is now.
create or replace function ${s}.advance(t text, names text[], numbers float8[]) returns float8 language plpgsql as $$
declare
  now_is float8; a record; bucket float8; span float8; newest float8; starts float8[]; sums float8[]; sum float8;
begin
  for i in 1 .. cardinality(names) loop
    loop
      perform from ${s}.account x where x.tenant = t and x.name = names[i] for update;
      exit when found;
      insert into ${s}.account (tenant, name, ends) values (t, names[i], ${s}.now_ms() + 86400000) on conflict do nothing;
    end loop;
  end loop;
  -- Time is looked at under the locks, which may have been waited for.
  now_is := ${s}.now_ms();
  for i in 1 .. cardinality(names) loop
    select x.start, x.used, x.older_starts, x.older_used into a from ${s}.account x
      where x.tenant = t and x.name = names[i];
    bucket := numbers[5 * i - 2]; span := numbers[5 * i - 1];
    if span = 0 then
      -- A total that was forgotten and begun again is another bucket than before, which holds on the old one cannot lower.
      update ${s}.account x set start = nextval('${s}.version'), ends = null
        where x.tenant = t and x.name = names[i] and x.start is null;
      continue;
    end if;
    -- A clock that went back counts on in the newest bucket.
    newest := greatest(a.start, floor(now_is / bucket) * bucket);
    starts := '{}'; sums := '{}'; sum := 0;
    for j in 1 .. cardinality(a.older_starts) loop
      if a.older_starts[j] + span > now_is then
        starts := starts || a.older_starts[j]; sums := sums || a.older_used[j]; sum := sum + a.older_used[j];
      end if;
    end loop;
    if newest > a.start and a.start + span > now_is then
      starts := starts || a.start; sums := sums || a.used; sum := sum + a.used;
    end if;
    update ${s}.account x set start = newest, used = case when newest = a.start then a.used else 0 end,
      older_starts = starts, older_used = sums, older = sum, ends = newest + span
      where x.tenant = t and x.name = names[i];
  end loop;
  return now_is;
end $$;

create or replace function ${s}.reserve(
  t text, layout_is int, seen_epoch bigint, hold_id text, ttl float8, kept float8, is_doubtful boolean,
  names text[], keys text[], numbers float8[]
) returns text language plpgsql as $$
declare
  answer text; now_is float8 := ${s}.now_ms(); later float8; taken int; begun float8; is_locked boolean := false;
  begins float8[]; amounts float8[]; is_taken boolean; most float8; amount float8; bucket float8; present float8;
begin
  answer := ${s}.wrong(t, layout_is, seen_epoch);
  if answer is not null then return answer; end if;
  for try in 1 .. 20 loop
    if try > 1 or not is_doubtful then
      taken := 0; begins := '{}'; amounts := '{}';
      for i in 1 .. cardinality(names) loop
        most := numbers[5 * i - 4]; amount := numbers[5 * i - 3]; bucket := numbers[5 * i - 2];
        present := case when bucket > 0 then floor(now_is / bucket) * bucket end;
        -- Under the locks a bucket of the future is one that a clock has left when it went back.
        update ${s}.account a set used = a.used + amount
          where a.tenant = t and a.name = names[i] and a.used + a.older + amount <= most
            and (a.start = present or present is null and a.start is not null or is_locked and a.start > now_is)
          returning a.start into begun;
        exit when not found;
        taken := i; begins[i] := begun; amounts[i] := amount;
      end loop;
      later := ${s}.now_ms();
      is_taken := taken = cardinality(names);
      -- A lock may have been waited for until another bucket began, and the amount would count for too short a time.
      if is_taken and later <> now_is and not is_locked then
        for i in 1 .. taken loop
          is_taken := is_taken and (numbers[5 * i - 1] = 0 or begins[i] + numbers[5 * i - 2] > later);
        end loop;
      end if;
      if is_taken then
        insert into ${s}.hold values (t, hold_id, later + ttl, later + ttl + kept, true, names, keys, begins, amounts)
          on conflict do nothing;
        if found then return 'ok'; end if;
      end if;
      for i in 1 .. taken loop
        update ${s}.account a set used = a.used - amounts[i] where a.tenant = t and a.name = names[i];
      end loop;
    end if;
    answer := ${s}.refused(t, hold_id, names, numbers);
    if answer is not null then return answer; end if;
    now_is := ${s}.advance(t, names, numbers);
    is_locked := true;
    delete from ${s}.hold h where h.tenant = t and h.id = hold_id and h.ends <= now_is;
  end loop;
  raise exception 'a reservation found no end';
end $$;

-- Adds to a bucket that is not the newest any more; one that has stopped counting is not brought back.
create or replace function ${s}.add_older(t text, account_name text, begun float8, step float8) returns void
language sql as $$
  update ${s}.account a set older = a.older + step,
      older_used[array_position(a.older_starts, begun)] = a.older_used[array_position(a.older_starts, begun)] + step
    where a.tenant = t and a.name = account_name and begun = any (a.older_starts)
$$;

-- Charges the difference, then closes the hold. Only the first to close it charges.
create or replace function ${s}.close(
  t text, layout_is int, seen_epoch bigint, hold_id text, actual jsonb, is_release boolean
) returns text language plpgsql as $$
declare
  answer text; h ${s}.hold; done float8[]; charge float8; step float8; is_late boolean; is_raised boolean := false;
begin
  answer := ${s}.wrong(t, layout_is, seen_epoch);
  if answer is not null then return answer; end if;
  select * into h from ${s}.hold x where x.tenant = t and x.id = hold_id and x.open;
  if not found then return 'ok'; end if;
  done := array_fill(0::float8, array[cardinality(h.names)]);
  loop
    is_late := h.deadline <= ${s}.now_ms();
    for i in 1 .. cardinality(h.names) loop
      charge := case when is_release then 0 else coalesce((actual->>h.keys[i])::float8, h.amounts[i]) end;
      if is_late and is_release then charge := h.amounts[i];
      elsif is_late then charge := greatest(charge, h.amounts[i]); end if;
      step := charge - h.amounts[i] - done[i];
      is_raised := is_raised or charge > h.amounts[i];
      if step = 0 then continue; end if;
      done[i] := done[i] + step;
      update ${s}.account a set used = a.used + step
        where a.tenant = t and a.name = h.names[i] and a.start = h.starts[i];
      if not found then perform ${s}.add_older(t, h.names[i], h.starts[i], step); end if;
    end loop;
    -- The locks may have been waited for until after the deadline.
    exit when is_late or h.deadline > ${s}.now_ms();
  end loop;
  if is_release and is_late then return 'ok'; end if;
  if is_release then
    delete from ${s}.hold x where x.tenant = t and x.id = hold_id and x.open and x.deadline = h.deadline;
  else
    update ${s}.hold x set open = false where x.tenant = t and x.id = hold_id and x.open and x.deadline = h.deadline;
  end if;
  if not found then
    for i in 1 .. cardinality(h.names) loop
      update ${s}.account a set used = a.used - done[i]
        where a.tenant = t and a.name = h.names[i] and a.start = h.starts[i];
      if not found then perform ${s}.add_older(t, h.names[i], h.starts[i], -done[i]); end if;
    end loop;
  end if;
  -- If a crash of the server takes this commit, the account stays charged with more: no need to wait for the disk.
  if not is_raised then answer := set_config('synchronous_commit', 'off', true); end if;
  return 'ok';
end $$;

create or replace function ${s}.forget(t text, layout_is int, seen_epoch bigint, names text[], out outcome text)
language plpgsql as $$
begin
  outcome := ${s}.wrong(t, layout_is, seen_epoch);
  if outcome is not null then return; end if;
  outcome := 'ok';
  perform from ${s}.account a where a.tenant = t and a.name = any (names) order by a.name for update;
  delete from ${s}.account a where a.tenant = t and a.name = any (names);
end $$;

-- Drops some of what no longer counts, leaving alone what anyone is at work on.
create or replace function ${s}.prune() returns void language sql as $$
  delete from ${s}.hold where ctid in
    (select ctid from ${s}.hold where ends <= ${s}.now_ms() limit 500 for update skip locked);
  delete from ${s}.account where ctid in
    (select ctid from ${s}.account where ends <= ${s}.now_ms() limit 500 for update skip locked);
  delete from ${s}.record where ctid in
    (select ctid from ${s}.record where ends <= ${s}.now_ms() limit 500 for update skip locked);
$$;
`
}
