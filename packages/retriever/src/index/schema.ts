import { ConfigError } from '@gatewright/runtime'
import { readFunctions } from './sql-read.ts'

/** Raised when the tables change. */
export const INDEX_VERSION = 3

/** Until `maintain` has measured what these vectors need. */
const EF_SEARCH = 400

export interface IndexSchema {
  /** Name of the PostgreSQL schema, in small letters. Default `gatewright_retrieval`. */
  readonly schema?: string
  /** Name of the embedder that the vectors come from. */
  readonly model: string
  readonly dimensions: number
}

const NAME = /^[a-z_][a-z0-9_]{0,39}$/

/** @throws {ConfigError} Unless it can stand in SQL without quotes. */
export function schemaName(schema = 'gatewright_retrieval'): string {
  if (!NAME.test(schema) || schema.startsWith('pg_'))
    throw new ConfigError(
      'schema',
      schema,
      'small letters, digits and _, at most 40, and not beginning with pg_',
    )
  return schema
}

/**
 * The SQL that lays out an index, on PostgreSQL with pgvector and on PGlite alike; it may run again.
 *
 * Two roles read. `SCHEMA_reader` sees only the rows of the access lists that the transaction has set, and none if it
 * has set none. `SCHEMA_planned` reads for permission sources that do not go by those lists: the plan is its wall, and
 * the tenant. Whoever runs this owns the tables, is not bound by these walls, and is the one as whom the index connects:
 * it looks for candidates itself, and takes on one of the roles to read what it hands over.
 */
export function indexSchema({ schema, model, dimensions }: IndexSchema): string {
  const s = schemaName(schema)
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > 2000)
    throw new ConfigError('dimensions', dimensions, 'a whole number from 1 to 2,000')
  if (typeof model !== 'string' || model === '')
    throw new ConfigError('model', model, 'the name of an embedder')
  const literal = `'${model.replaceAll("'", "''")}'`
  // After what is asked of each row that a search visits: that is found without stepping over these.
  const columns = `
  tenant text not null,
  document text not null,
  type text not null,
  version text not null,
  source text not null,
  title text,
  authors int[] not null,
  attributes jsonb not null,
  acl_version text`
  return `
create extension if not exists vector;
create schema if not exists ${s};
create table if not exists ${s}.meta (
  one boolean primary key default true check (one),
  version int not null,
  model text not null,
  dimensions int not null,
  -- What \`maintain\` found: how many passages there are, and how many candidates an approximate search has to keep for
  -- these vectors where all of them are permitted, a half, and so on.
  passages bigint not null default 0,
  shares float8[] not null default '{1}',
  ef_search int[] not null default '{${EF_SEARCH}}'
);
insert into ${s}.meta (version, model, dimensions) values (${INDEX_VERSION}, ${literal}, ${dimensions})
  on conflict do nothing;
-- Principals that occur in a tenant's access lists, each with a number; only ever added to.
create table if not exists ${s}.principals (
  id int generated always as identity primary key,
  tenant text not null,
  name text not null,
  unique (tenant, name)
);
-- Access lists, each with a number. What a number stands for never changes: a document that is shared anew gets another.
create table if not exists ${s}.acls (
  id int generated always as identity primary key,
  tenant text not null,
  type text not null,
  digest text not null,
  readers int[] not null,
  denied int[] not null,
  -- How many there were at the last \`maintain\`: for a guess, and for nothing else.
  passages bigint not null default 0,
  unique (tenant, type, digest)
);
-- Changes with the access lists of a tenant, and is never twice the same, not even after a backup was put back.
create table if not exists ${s}.tenants (
  tenant text primary key,
  revision uuid not null
);
create table if not exists ${s}.documents (
  id bigint generated always as identity primary key,
  acl int not null references ${s}.acls (id),
  -- How many it has. Rows with no vectors in them are several times quicker to count over.
  passages int not null,${columns},
  digest text not null,
  author_names text[] not null,
  reader_names text[] not null,
  denied_names text[] not null,
  unique (tenant, document)
);
create table if not exists ${s}.passages (
  id bigint generated always as identity primary key,
  of bigint not null references ${s}.documents (id) on delete cascade,
  acl int not null,
  position int not null,
  embedding vector(${dimensions}) not null,${columns},
  text text not null,
  words tsvector not null,
  unique (of, position)
);
create index if not exists acls_readers on ${s}.acls using gin (readers);
create index if not exists documents_acl on ${s}.documents (acl);
create index if not exists passages_acl on ${s}.passages (acl);
create index if not exists passages_words on ${s}.passages using gin (words);
create index if not exists passages_document on ${s}.passages (tenant, document);

do $$
declare
  wanted text;
begin
  foreach wanted in array array['${s}_reader', '${s}_planned'] loop
    begin
      execute format('create role %I nologin', wanted);
      execute format('grant %I to current_user', wanted);
    exception when duplicate_object or unique_violation then null;
    end;
  end loop;
end $$;
grant usage on schema ${s} to ${s}_reader, ${s}_planned;
grant select on ${s}.documents, ${s}.passages to ${s}_reader, ${s}_planned;

${readFunctions(s)}
alter table ${s}.documents enable row level security;
alter table ${s}.passages enable row level security;
drop policy if exists reader on ${s}.documents;
drop policy if exists reader on ${s}.passages;
drop policy if exists planned on ${s}.documents;
drop policy if exists planned on ${s}.passages;
${['documents', 'passages'].map((table) => policies(s, table)).join('\n')}
`
}

// Sub-selects, so that each is evaluated once for a query: of the lists the server makes a hash.
function policies(s: string, table: string): string {
  const own = `tenant = (select current_setting('gatewright.tenant', true))`
  const lists = `nullif(current_setting('gatewright.lists', true), '')::int[]`
  return `create policy reader on ${s}.${table} for select to ${s}_reader
  using (${own} and acl in (select unnest(${lists})));
create policy planned on ${s}.${table} for select to ${s}_planned using (${own});`
}
