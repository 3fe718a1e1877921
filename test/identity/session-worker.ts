// One process among several that start runs of one agent. Its arguments say which store, and how many to try.
import { createGuard } from '@gatewright/runtime'
import { storeAgents } from '@gatewright/runtime/identity'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { openStore, type StoreAt } from '../store/open-store.ts'

export interface SessionJob {
  readonly at: StoreAt
  readonly tries: number
  readonly leaseMs: number
}

const { at, tries, leaseMs } = JSON.parse(process.argv[2] ?? '') as SessionJob
const { store } = await openStore(at)
const guard = createGuard({
  agent: { id: 'clerk', version: '1' },
  agents: storeAgents({ store }),
  registration: { sessionLeaseMs: leaseMs },
  store,
  policy: policy({ version: '1', rules: [permitContracted] }),
})
process.stdout.write('ready\n')
await new Promise((resolve) => {
  process.stdin.once('data', resolve)
})
const started = await Promise.allSettled(
  Array.from({ length: tries }, () => guard.startRun({ principal: { subject: 'user:alice' } })),
)
const codes = started.flatMap((one) =>
  one.status === 'rejected' ? [(one.reason as { code: string }).code] : [],
)
const others = codes.filter((code) => code !== 'ERR_AGENT_SESSIONS')
process.stdout.write(`got ${tries - codes.length}${others.length === 0 ? '' : ` and ${others.join(' ')}`}\n`)
// It holds what it has until it is killed.
setInterval(() => {}, 1000)
