// Another process with a guard on the same store. It calls a tool that works here, and says what came of it.
import { sqliteStore } from '@gatewright/runtime/store'
import { setTimeout as sleep } from 'node:timers/promises'
import { desk, pay, play, shop } from './shop.ts'

const store = sqliteStore({ path: process.argv[2] ?? '' })
const { guard, refusals } = desk({ breaker: { fewest: 3, openMs: 60_000 } }, { store, now: () => new Date() })
const at = shop()
await play(guard, at, { steps: [pay(1)] })
process.stdout.write(`${at.ran.length === 1 ? 'the tool runs' : 'the tool does not run'}\n`)
await new Promise((resolve) => {
  process.stdin.once('data', resolve)
})
// News come in when they do.
for (let i = 0; i < 100 && refusals().length === 0; i += 1) {
  await play(guard, at, { steps: [pay(1)] })
  await sleep(50)
}
process.stdout.write(`${refusals()[0]?.[0] ?? 'never refused'}\n`)
process.stdin.destroy()
await guard[Symbol.asyncDispose]()
await store.close()
