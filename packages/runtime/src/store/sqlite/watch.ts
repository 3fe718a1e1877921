import type { StoreChange } from '../store.ts'
import { told } from '../told.ts'
import { openSqlite } from './open.ts'
import { list } from './records.ts'

export interface PollOptions {
  readonly path: string
  readonly synchronous: 'normal' | 'full'
  readonly tenant: string
  readonly prefix: string
  readonly pollMs: number
  readonly now: () => Date
}

/** Look for changed records every so often, through a connection of its own, which sees the commits of all others. */
export function pollRecords(options: PollOptions, listener: (change: StoreChange) => void): Disposable {
  const { path, synchronous, tenant, prefix, pollMs, now } = options
  const file = openSqlite(path, synchronous)
  let seen = versions()
  let stamp = stampOf()
  let isLost = false
  let isOver = false

  function versions(): Map<string, number> {
    const at = now().getTime()
    return new Map(list({ file, tenant, at, version: 0 }, prefix).map(({ key, version }) => [key, version]))
  }

  // Changes whenever another connection has committed (https://sqlite.org/pragma.html#pragma_data_version).
  function stampOf(): unknown {
    return file.statement('pragma data_version').get()?.['data_version']
  }

  function look(): void {
    const before = stampOf()
    if (before === stamp) return
    stamp = before
    const found = versions()
    for (const [key, version] of found)
      if (seen.get(key) !== version) told(listener, { kind: 'changed', key })
    for (const key of seen.keys()) if (!found.has(key)) told(listener, { kind: 'changed', key })
    seen = found
  }

  const timer = setInterval(() => {
    try {
      if (!file.isInPlace()) throw new Error('The file is not where it was.')
      look()
      isLost = false
    } catch (cause) {
      if (!isLost && !isOver) told(listener, { kind: 'gap', cause })
      isLost = true
    }
  }, pollMs)
  timer.unref()
  return {
    [Symbol.dispose]() {
      isOver = true
      clearInterval(timer)
      file.close()
    },
  }
}
