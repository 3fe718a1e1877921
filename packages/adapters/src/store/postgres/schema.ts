import { STORE_SCHEMA } from '@gatewright/runtime/store'
import { accountFunctions } from './account-functions.ts'
import { recordFunctions } from './record-functions.ts'

/**
 * The tables and functions of a store in PostgreSQL 15 or later, as SQL: run it with your migrations. Running it
 * again changes nothing.
 *
 * The role of the application needs `usage` on the schema, `select, insert, update, delete` on its tables, `usage`
 * on its sequence, and nothing else.
 */
export function postgresSchema(schema: string = 'gatewright'): string {
  const s = schemaName(schema)
  return `
create schema if not exists ${s};
create table if not exists ${s}.layout
  (only_one boolean primary key default true check (only_one), schema int not null);
insert into ${s}.layout (schema) values (${STORE_SCHEMA}) on conflict do nothing;
create table if not exists ${s}.meta (tenant text primary key, epoch bigint not null);
create table if not exists ${s}.mark
  (tenant text, client text, epoch bigint not null, at float8 not null, primary key (tenant, client));
create table if not exists ${s}.account
  (tenant text, name text collate "C", start float8, used float8 not null default 0,
   older_starts float8[] not null default '{}', older_used float8[] not null default '{}',
   older float8 not null default 0, ends float8, primary key (tenant, name)) with (fillfactor = 50);
create index if not exists account_ends on ${s}.account (ends) where ends is not null;
create table if not exists ${s}.hold
  (tenant text, id text collate "C", deadline float8 not null, ends float8 not null, open boolean not null,
   names text[] not null, keys text[] not null, starts float8[] not null, amounts float8[] not null,
   primary key (tenant, id)) with (fillfactor = 50);
create index if not exists hold_ends on ${s}.hold (ends);
create table if not exists ${s}.record
  (tenant text, key text collate "C", value text not null, version bigint not null, ends float8,
   primary key (tenant, key));
create index if not exists record_ends on ${s}.record (ends) where ends is not null;
create table if not exists ${s}.log (tenant text, name text collate "C", last bigint not null, primary key (tenant, name));
create table if not exists ${s}.entry
  (tenant text, log text collate "C", seq bigint, entry text not null, primary key (tenant, log, seq));
create sequence if not exists ${s}.version;
${accountFunctions(s)}
${recordFunctions(s)}
`
}

/** The channel on which changes of records are told. */
export function channelOf(schema: string): string {
  return `gatewright ${schemaName(schema)}`
}

/**
 * A name that needs no quoting, since it becomes part of statements.
 *
 * @throws {RangeError} If it is anything else.
 */
export function schemaName(schema: string): string {
  if (!/^[a-z_][a-z0-9_]{0,39}$/.test(schema))
    throw new RangeError('schema: expected up to 40 lower-case letters, digits and underscores.')
  return schema
}
