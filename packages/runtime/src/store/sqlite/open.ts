import { statSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { checkSchema } from '../epoch.ts'
import { STORE_SCHEMA } from '../store.ts'

/** How long a statement blocks this process for the lock of another one, in milliseconds. */
const BUSY_MS = 25
const OPENING_MS = 5000
const SQLITE_BUSY = 5

const TABLES = `
  create table meta (tenant text primary key, epoch integer not null, version integer not null) without rowid;
  create table mark (tenant text, client text, epoch integer not null, at real not null,
    primary key (tenant, client)) without rowid;
  create table bucket (tenant text, account text, start real, used real not null, ends real,
    primary key (tenant, account, start)) without rowid;
  create index bucket_ends on bucket (ends) where ends is not null;
  create table hold (tenant text, id text, deadline real not null, ends real not null, open integer not null,
    taken text not null, primary key (tenant, id)) without rowid;
  create index hold_ends on hold (ends);
  create table record (tenant text, key text, value text not null, version integer not null, ends real,
    primary key (tenant, key)) without rowid;
  create index record_ends on record (ends) where ends is not null;
  create table entry (tenant text, log text, seq integer, entry text not null,
    primary key (tenant, log, seq)) without rowid;
  pragma user_version = ${STORE_SCHEMA};
`

export interface SqliteFile {
  readonly db: DatabaseSync
  /** A statement, prepared once. */
  statement(sql: string): StatementSync
  /** Whether the path still leads to the file that is open. */
  isInPlace(): boolean
  close(): void
}

/**
 * Open a store's file, and lay out an empty one.
 *
 * @throws {ConfigError} If it has another schema, or is a database of something else.
 */
export function openSqlite(path: string, synchronous: 'normal' | 'full'): SqliteFile {
  const db = new DatabaseSync(path, { timeout: BUSY_MS })
  try {
    patiently(() => db.exec('pragma journal_mode = wal'))
    db.exec(`pragma synchronous = ${synchronous}`)
    patiently(() => layOut(db))
  } catch (error) {
    db.close()
    throw error
  }
  const inode = inodeOf(path)
  const prepared = new Map<string, StatementSync>()
  return {
    db,
    statement(sql) {
      const known = prepared.get(sql)
      if (known !== undefined) return known
      const made = db.prepare(sql)
      prepared.set(sql, made)
      return made
    },
    isInPlace: () => inodeOf(path) === inode,
    close() {
      prepared.clear()
      if (db.isOpen) db.close()
    },
  }
}

/** Another process holds the lock; the same may work in a moment. */
export function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' && (code & 0xff) === SQLITE_BUSY
}

function layOut(db: DatabaseSync): void {
  db.exec('begin immediate')
  try {
    const found = Number(db.prepare('pragma user_version').get()?.['user_version'])
    const tables = Number(db.prepare('select count(*) as n from sqlite_schema').get()?.['n'])
    if (found === 0 && tables === 0) db.exec(TABLES)
    else checkSchema(found)
    db.exec('commit')
  } catch (error) {
    db.exec('rollback')
    throw error
  }
}

// Several processes may start at once, and changing the journal's mode does not wait for the lock by itself.
function patiently(work: () => void): void {
  const waits = new Int32Array(new SharedArrayBuffer(4))
  for (let waited = 0; ; waited += 10) {
    try {
      work()
      return
    } catch (error) {
      if (!isBusy(error) || waited >= OPENING_MS) throw error
      Atomics.wait(waits, 0, 0, 10)
    }
  }
}

function inodeOf(path: string): bigint | undefined {
  if (path === ':memory:') return undefined
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino
}
