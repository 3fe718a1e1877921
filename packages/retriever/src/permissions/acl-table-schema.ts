import { ConfigError } from '@gatewright/runtime'

/**
 * The tables of `aclTablePermissions`, as SQL: run it with your migrations. Running it again changes nothing.
 *
 * No tenant is the empty text. The role of the application needs `usage` on the schema and `select` on the tables;
 * whoever shares documents needs to write them, and `usage` on the sequence. Triggers count the changes of each tenant
 * at the end of a transaction: two that change the same tenants in another order may be told to try again (`40P01`).
 */
export function aclTableSchema(schema: string = 'gatewright_acl'): string {
  const s = aclSchemaName(schema)
  return `
create schema if not exists ${s};
create table if not exists ${s}.principal
  (tenant text not null, name text not null check (name <> ''), primary key (tenant, name));
create table if not exists ${s}.member
  (tenant text not null, grp text not null, member text not null, primary key (tenant, member, grp));
create sequence if not exists ${s}.acl_version;
create table if not exists ${s}.document
  (tenant text not null, id text not null, type text not null, version text not null,
   acl_version bigint not null default nextval('${s}.acl_version'), primary key (tenant, id));
create table if not exists ${s}.entry
  (tenant text not null, document text not null, principal text not null check (principal <> ''),
   action text not null default 'read', denied boolean not null default false,
   primary key (tenant, document, action, principal, denied),
   foreign key (tenant, document) references ${s}.document (tenant, id) on delete cascade on update cascade);
create index if not exists entry_principal on ${s}.entry (tenant, principal);
create or replace function ${s}.touch() returns trigger language plpgsql as $$
begin
  -- From one sequence for all: a document that is removed and added again never has an old version again.
  if tg_op <> 'INSERT' then
    update ${s}.document set acl_version = nextval('${s}.acl_version')
    where tenant = old.tenant and id = old.document;
  end if;
  if tg_op <> 'DELETE' then
    update ${s}.document set acl_version = nextval('${s}.acl_version')
    where tenant = new.tenant and id = new.document;
  end if;
  return null;
end $$;
create or replace trigger entry_touches after insert or update or delete on ${s}.entry
  for each row execute function ${s}.touch();
create table if not exists ${s}.revision (tenant text primary key, value bigint not null);
create or replace function ${s}.revise() returns trigger language plpgsql as $$
declare
  own text := case when tg_op = 'DELETE' then old.tenant else new.tenant end;
begin
  -- Once a transaction and at its end, so that writers wait for one another only while they commit. Read in the same
  -- statement as what was changed, it says of which moment an answer is, on a replica too.
  if current_setting('${s}.revised', true) is distinct from ':' || own then
    insert into ${s}.revision as r values (own, 1) on conflict (tenant) do update set value = r.value + 1;
    perform set_config('${s}.revised', ':' || own, true);
  end if;
  if tg_op = 'UPDATE' and old.tenant <> own then
    insert into ${s}.revision as r values (old.tenant, 1) on conflict (tenant) do update set value = r.value + 1;
  end if;
  return null;
end $$;
${Object.entries(REVISED)
  .map(
    ([table, update]) => `drop trigger if exists ${table}_revises on ${s}.${table};
create constraint trigger ${table}_revises after insert or ${update} or delete on ${s}.${table}
  deferrable initially deferred for each row execute function ${s}.revise();`,
  )
  .join('\n')}
`
}

/** What counts as a change. A new version of a document's permissions comes of its entries, which count themselves. */
const REVISED = {
  principal: 'update',
  member: 'update',
  document: 'update of tenant, id, type, version',
  entry: 'update',
} as const

/** @throws {ConfigError} If the name would need quotes. */
export function aclSchemaName(schema: string): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema))
    throw new ConfigError(
      'schema',
      schema,
      'up to 63 lower-case letters, digits and underscores, no digit first',
    )
  return schema
}
