import { prefixEnd } from '../key.ts'
import type { StoreEntry, StoreRecord } from '../store.ts'
import type { Within } from './accounts.ts'

const READ_AT_ONCE = 1000
const LIVE = 'tenant = ? and key = ? and (ends is null or ends > ?)'

export function get({ file, tenant, at }: Within, key: string): StoreRecord | undefined {
  const row = file.statement(`select key, value, version from record where ${LIVE}`).get(tenant, key, at)
  return row && recordOf(row)
}

export function list({ file, tenant, at }: Within, prefix: string): readonly StoreRecord[] {
  return file
    .statement(
      `select key, value, version from record
       where tenant = ? and key >= ? and key < ? and (ends is null or ends > ?) order by key`,
    )
    .all(tenant, prefix, prefixEnd(prefix), at)
    .map(recordOf)
}

export function compareAndSet(
  within: Within,
  key: string,
  expected: number,
  value: string | undefined,
  ttlMs: number | undefined,
): number | undefined {
  const { file, tenant, at } = within
  if ((get(within, key)?.version ?? 0) !== expected) return undefined
  const next = file
    .statement('update meta set version = version + 1 where tenant = ? returning version')
    .get(tenant)
  const version = Number(next?.['version'])
  if (value === undefined) file.statement('delete from record where tenant = ? and key = ?').run(tenant, key)
  else
    file
      .statement('insert or replace into record (tenant, key, value, version, ends) values (?, ?, ?, ?, ?)')
      .run(tenant, key, value, version, ttlMs === undefined ? null : at + ttlMs)
  return version
}

export function consume({ file, tenant, at }: Within, key: string): string | undefined {
  const row = file.statement(`delete from record where ${LIVE} returning value`).get(tenant, key, at)
  return row && String(row['value'])
}

export function append({ file, tenant }: Within, log: string, entry: string): number {
  const row = file
    .statement(
      `insert into entry (tenant, log, seq, entry)
       select ?1, ?2, coalesce(max(seq), 0) + 1, ?3 from entry where tenant = ?1 and log = ?2 returning seq`,
    )
    .get(tenant, log, entry)
  return Number(row?.['seq'])
}

export function read({ file, tenant }: Within, log: string, after: number): readonly StoreEntry[] {
  return file
    .statement(
      `select seq, entry from entry where tenant = ? and log = ? and seq > ? order by seq limit ${READ_AT_ONCE}`,
    )
    .all(tenant, log, after)
    .map(({ seq, entry }) => ({ seq: Number(seq), entry: String(entry) }))
}

export function trim({ file, tenant }: Within, log: string, before: number): void {
  file
    .statement(
      `delete from entry where tenant = ?1 and log = ?2 and seq < ?3
       and seq < (select max(seq) from entry where tenant = ?1 and log = ?2)`,
    )
    .run(tenant, log, before)
}

function recordOf({ key, value, version }: Record<string, unknown>): StoreRecord {
  return { key: String(key), value: String(value), version: Number(version) }
}
