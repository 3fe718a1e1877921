// A process that acts as often as it may, and says when it may no more, and when it may again.
import { storeHalts } from '@gatewright/runtime'
import { insist } from './insist.ts'
import { openStore, type StoreAt } from './open-store.ts'

export interface HaltJob {
  readonly at: StoreAt
  readonly leaseMs: number
  /** How far the clock of this process is ahead, in milliseconds. */
  readonly skewMs?: number
}

/** What it says, a line each. */
export interface HaltNews {
  readonly by: string | undefined
  readonly at: number
  /** When it last acted. */
  readonly acted: number
  readonly aborted: boolean
}

const { at, leaseMs, skewMs = 0 } = JSON.parse(process.argv[2] ?? '') as HaltJob
const { store, end } = await openStore(at)
const halts = storeHalts(store, { leaseMs, now: () => new Date(Date.now() + skewMs) })
await insist(() => halts.opened())
const subject = { run: 'run-1', agent: 'support@1', tool: 'sendEmail' }
let run = halts.signalFor({ run: 'run-1', agent: 'support@1' })
let acted = Date.now()
let by: string | undefined

function act(): void {
  // Before the look: what it does upon it is not later than that by more than a machine may stand still.
  const now = Date.now()
  const halt = halts.haltOf(subject)
  if (halt === undefined) acted = now
  if (halt?.by === by) return
  by = halt?.by
  process.stdout.write(`${JSON.stringify({ by, at: now, acted, aborted: run.signal.aborted })}\n`)
  if (by !== undefined) return
  run[Symbol.dispose]()
  run = halts.signalFor({ run: 'run-1', agent: 'support@1' })
}

// As quickly as news can come in, and every so often besides.
halts.subscribe(() => setImmediate(act))
const timer = setInterval(act, 2)
process.stdout.write('ready\n')

process.stdin.once('data', async () => {
  clearInterval(timer)
  await halts[Symbol.asyncDispose]()
  await end()
  // Whatever is still open would keep it from ending.
  process.stdin.destroy()
})
