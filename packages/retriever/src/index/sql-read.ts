import { revisionOf } from './sql-lists.ts'

/**
 * The functions of the schema that read. Each runs as whoever calls it, who is the owner, in one round trip:
 *
 * 1. It looks whether the access lists that it is given are of the state that the tenant's are in.
 * 2. It looks for candidates as the owner, with the plan and the walls as conditions. Values come apart from
 *    conditions, and the server quotes each.
 * 3. It takes on the role and the lists of the wall, and reads what it hands over behind that.
 *
 * They are `stable`: all of one sees one moment, and it cannot write. Where access lists are the only condition, the
 * statements are planned once a session.
 */
export function readFunctions(s: string): string {
  const stale = `at_revision is not null and at_revision is distinct from ${revisionOf(s, 'for_tenant')}`
  const search = searches(s)
  return `
create or replace function ${s}.search(
  as_role text, for_tenant text, at_revision uuid, permitted int[], wall int[], wall_text text, condition text,
  vals text[], asked vector, how text, few int, wanted int, ef int, asked_words tsquery
) returns table ("by" text, document text, "position" int, score float8, version text, acl_version text)
language plpgsql stable as $$
declare
  ids bigint[]; acls int[]; scores float8[];
  word_ids bigint[]; word_acls int[]; word_scores float8[];
  many bigint;
begin
  if ${stale} then
    return query select 'stale', '', 0, 0::float8, '', '';
    return;
  end if;
  ${PLAN_ONCE}
  if asked_words is not null then
    ${planned(search.byWords.conditional, 'word_ids, word_acls, word_scores')}
  end if;
  if asked is not null then
    if how = 'counted' then
      ${run(search.counted, 'many')}
    end if;
    if how = 'approximate' or many > few then
      perform set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', ef::text, true),
        set_config('hnsw.max_scan_tuples', '1000000', true), set_config('hnsw.scan_mem_multiplier', '32', true),
        set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true);
      ${run(search.nearly, 'ids, acls, scores')}
    else
      ${run(search.exactly, 'ids, acls, scores')}
    end if;
  end if;
  acls := acls || word_acls;
  ${within(s)}
  ${BECOME}
  ${asEitherRole(
    s,
    `return query select c.by, p.document, p.position, c.score, p.version, p.acl_version
    from (select 'vector' as by, v.id, v.score from unnest(ids, scores) v(id, score)
      union all select 'text', w.id, w.score from unnest(word_ids, word_scores) w(id, score)) c
    join ${s}.passages p on p.id = c.id order by c.score desc, p.document, p.position;`,
  )}
end $$;

-- Null where the lists are of an earlier state.
create or replace function ${s}.counted(
  for_tenant text, at_revision uuid, permitted int[], condition text, vals text[], few int
) returns bigint language plpgsql stable as $$
declare
  asked vector; wanted int; asked_words tsquery;
  many bigint;
begin
  if ${stale} then return null; end if;
  ${PLAN_ONCE}
  ${run(search.counted, 'many')}
  return many;
end $$;

create or replace function ${s}.handed(
  as_role text, for_tenant text, at_revision uuid, permitted int[], wall int[], wall_text text, condition text,
  vals text[], documents text[], positions int[]
) returns table (stale boolean, document text, "position" int, score float8, version text, acl_version text,
  "text" text, title text, source text, type text, author_names text[], reader_names text[], denied_names text[])
language plpgsql stable as $$
declare
  ids bigint[]; acls int[];
begin
  if ${stale} then
    return query select true, '', 0, 0::float8, '', '', '', '', '', '', '{}'::text[], '{}'::text[], '{}'::text[];
    return;
  end if;
  ${PLAN_ONCE}
  execute format(replace($q$select array_agg(p.id), array_agg(p.acl) from unnest($2, $3) h(document, position)
      join ${s}.passages p on p.tenant = $4 and p.document = h.document and p.position = h.position
      where ${CONDITION}$q$, '${CONDITION}', coalesce(condition, '${LISTED}')), variadic vals)
    into ids, acls using permitted, documents, positions, for_tenant;
  ${within(s)}
  ${BECOME}
  ${asEitherRole(
    s,
    `return query select false, d.document, p.position, 0::float8, d.version, d.acl_version, p.text, d.title, d.source,
      d.type, d.author_names, d.reader_names, d.denied_names
    from unnest(documents, positions) with ordinality as h(document, position, place)
    join ${s}.passages p on p.tenant = for_tenant and p.document = h.document and p.position = h.position
    join ${s}.documents d on d.id = p.of
    where p.id = any(ids) order by h.place;`,
  )}
end $$;
`
}

/** What a condition says of the access lists that are named. */
export const LISTED = 'p.acl = any($1)'

const CONDITION = '#condition#'

const PLAN_ONCE = `perform set_config('jit', 'off', true), set_config('enable_seqscan', 'off', true),
    set_config('plan_cache_mode', 'force_generic_plan', true);`
const BECOME = `perform set_config('gatewright.tenant', for_tenant, true),
    set_config('gatewright.lists', wall::text, true), set_config('role', as_role, true);`

/** Leaves of the wall what lists `acls` have of it: by number, or by a condition where there are too many. */
function within(s: string): string {
  return `if wall_text is null then
    wall := array(select f.acl from unnest(acls) f(acl) where f.acl = any(coalesce(wall, permitted)));
  else
    execute format('select coalesce(array_agg(a.id), ''{}'') from ${s}.acls a where a.id = any($1) and ' || wall_text,
      variadic vals) into wall using acls;
  end if;`
}

/**
 * What is read behind the wall, written once for each role. A plan that row-level security is part of is good for one role:
 * where a session serves both in turn, one statement for the two would be planned anew at each change.
 */
function asEitherRole(s: string, statement: string): string {
  return `if as_role = '${s}_reader' then
    ${statement}
  else
    ${statement}
  end if;`
}

/** A statement: with a condition of its own, and with the access lists as the only one. */
interface Search {
  readonly conditional: string
  readonly listed: string
}

function searches(s: string): Record<'exactly' | 'nearly' | 'byWords' | 'counted', Search> {
  const candidates = `select array_agg(f.id), array_agg(f.acl), array_agg(f.score)`
  const of = (write: (where: string, at: Places) => string, listed = 'p.acl = any(permitted)'): Search => ({
    conditional: write(CONDITION, NUMBERED),
    listed: write(listed, NAMED),
  })
  const from = `from ${s}.passages p where`
  return {
    // Vectors are of length one, so that this is the cosine. By an order that the approximate index does not know, it is
    // not used.
    exactly: of(
      (where, { asked, wanted }) => `${candidates} from (
        select n.id, n.acl, -n.distance as score from (
          select p.id, p.acl, (p.embedding <#> ${asked}) + 0 as distance ${from} ${where}) n
        order by n.distance, n.id limit ${wanted}) f`,
    ),
    nearly: of(
      (where, { asked, wanted }) => `${candidates} from (
        select p.id, p.acl, -(p.embedding <#> ${asked}) as score ${from} ${where}
        order by p.embedding <#> ${asked} limit ${wanted}) f`,
      // A hash, where the lists are not known when it is planned.
      'p.acl in (select unnest(permitted))',
    ),
    byWords: of(
      (where, { wanted, words }) => `${candidates} from (
        select p.id, p.acl, ts_rank(p.words, ${words}, 1)::float8 as score ${from} ${where}
          and p.words @@ ${words}
        order by 3 desc, p.id limit ${wanted}) f`,
    ),
    // All that a condition speaks of stands with the documents too. Of lists alone, an index knows.
    counted: {
      conditional: `select coalesce(sum(f.passages), 0) from (
        select p.passages from ${s}.documents p where ${CONDITION} and p.passages > 0 limit $5 + 1) f`,
      listed: `select count(*) from (select 1 ${from} p.acl = any(permitted) limit few + 1) f`,
    },
  }
}

interface Places {
  readonly asked: string
  readonly wanted: string
  readonly words: string
}

const NAMED: Places = { asked: 'asked', wanted: 'wanted', words: 'asked_words' }
const NUMBERED: Places = { asked: '$2', wanted: '$3', words: '$4' }

/** Runs a statement into variables: planned for its condition, or once a session where there is none. */
function run({ conditional, listed }: Search, into: string): string {
  return `if condition is null then
        ${listed.replace(' from (', ` into ${into} from (`)};
      else
        ${planned(conditional, into)}
      end if;`
}

/** Runs a statement into variables, planned for what is asked. */
function planned(conditional: string, into: string): string {
  return `execute format(replace($q$${conditional}$q$, '${CONDITION}', coalesce(condition, '${LISTED}')), variadic vals)
        into ${into} using permitted, asked, wanted, asked_words, few;`
}
