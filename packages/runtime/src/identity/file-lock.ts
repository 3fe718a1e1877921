import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

export interface FileLockOptions {
  /** How long to wait for whoever holds it, in milliseconds. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

const PAUSE_MS = 5
const SQLITE_BUSY = 5

/**
 * Do some work while no other process, and no other work of this one, holds the lock of this file.
 *
 * SQLite's lock on an empty database: the system lets go of it when its process dies, however it dies, so that there
 * is no stale lock to be judged by its age.
 *
 * @throws {Error} If it is held by somebody else for too long.
 */
export async function withFileLock<T>(
  path: string,
  { timeoutMs, signal }: FileLockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const db = new DatabaseSync(path, { timeout: 0 })
  try {
    const until = performance.now() + timeoutMs
    while (!tookLock(db)) {
      if (performance.now() > until)
        throw new Error(`The lock was held by somebody else for ${timeoutMs} ms.`)
      await sleep(PAUSE_MS + Math.random() * PAUSE_MS, undefined, { signal })
    }
    return await work()
  } finally {
    // Closing gives the lock back.
    db.close()
  }
}

function tookLock(db: DatabaseSync): boolean {
  try {
    db.exec('begin exclusive')
    return true
  } catch (error) {
    if (((error as { errcode?: number }).errcode ?? 0) % 256 !== SQLITE_BUSY) throw error
    return false
  }
}
