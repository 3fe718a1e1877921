// One process among several that work on one store. Its arguments say which store, and what to do.
import { openStore, type StoreAt } from './open-store.ts'

export interface Job {
  readonly at: StoreAt
  /** `tries` to reserve one; a reservation that is left hanging; one approval that is fought over. */
  readonly work: 'reserve' | 'hang' | 'consume'
  readonly key: string
  readonly limit: number
  readonly tries: number
  readonly worker: string
  /** How far the clock of this process is ahead, in milliseconds. */
  readonly skewMs?: number
  /** How long a reservation that is left hanging is held. */
  readonly ttlMs?: number
}

const job = JSON.parse(process.argv[2] ?? '') as Job
const { at, work, key, limit, tries, worker, skewMs = 0, ttlMs = 60_000 } = job
setClock(skewMs)
const { store, end } = await openStore(at)
const call = { signal: AbortSignal.timeout(60_000) }

process.stdout.write('ready\n')
await new Promise((resolve) => {
  process.stdin.once('data', resolve)
})

if (work === 'hang') {
  const limits = [{ key, limit, amount: tries }]
  await store.reserve(worker, limits, ttlMs, call)
  process.stdout.write('held\n')
  setInterval(() => {}, 1000)
} else {
  const take = work === 'consume' ? await consuming() : reserving
  const all = await Promise.all(Array.from({ length: tries }, (_, i) => take(`${worker}-${i}`)))
  const got = all.filter(Boolean).length
  await end()
  process.stdout.write(`got ${got}\n`)
  process.exit(0)
}

async function consuming(): Promise<() => PromiseLike<boolean> | boolean> {
  const { storeApprovals } = await import('@gatewright/runtime')
  const approvals = storeApprovals({ store, now: () => new Date() })
  return () => approvals.consume(key, call)
}

async function reserving(id: string): Promise<boolean> {
  const limits = [
    { key, limit: limit * 2, amount: 1 },
    { key: `${key}/minute`, limit, amount: 1, windowMs: 60_000, sliding: true },
  ]
  const { ok } = await store.reserve(id, limits, 60_000, call)
  if (ok) await store.settle(id, { [key]: 1 }, call)
  return ok
}

/** As if someone had set the clock of this machine, and of no other. */
function setClock(aheadMs: number): void {
  const Real = Date
  globalThis.Date = new Proxy(Real, {
    construct: (of, given: []) => (given.length === 0 ? new of(Real.now() + aheadMs) : new of(...given)),
    get: (of, name) => (name === 'now' ? () => Real.now() + aheadMs : Reflect.get(of, name)),
  })
}
