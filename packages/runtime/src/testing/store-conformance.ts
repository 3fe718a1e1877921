import { randomUUID } from 'node:crypto'
import type { Store } from '../store/store.ts'
import type { TestApi } from './describe-attacks.ts'
import { describeAccounts } from './store-conformance/accounts.ts'
import { describeRecords } from './store-conformance/records.ts'
import { describeShared } from './store-conformance/shared.ts'
import type { DefineTrial } from './store-conformance/trial.ts'

const MOST_TRIES = 5
/** What the windows of the trials bear, in milliseconds. */
const STILL_MS = 100

/** A driver, as far as the suite drives it. */
export interface StoreUnderTest {
  /** A client of the same state each time, as another process would have one; one and the same where it cannot be. */
  readonly open: () => Store | Promise<Store>
  /** Lets time pass for the store. Default: waits. */
  readonly advance?: (ms: number) => void | Promise<void>
}

/**
 * Define the tests that every driver of the store passes: its limits, its records and logs, and what two clients
 * see of one another. Names are random, so the state need not be empty.
 *
 * `api` is vitest's `{ describe, test }`, or that of another runner.
 */
export function describeStore(name: string, under: StoreUnderTest, api: TestApi): void {
  const trial: DefineTrial = (promise, run) => {
    api.test(promise, async () => {
      let tries = 1
      while (!(await holds(under, run, tries === MOST_TRIES))) tries += 1
    })
  }
  api.describe(name, () => {
    describeAccounts(trial)
    describeRecords(trial)
    describeShared(trial)
  })
}

/**
 * Whether a trial held; it throws where it did not. False where that says nothing: time went by for real, and more of
 * it than the trial let pass, since the machine stood still meanwhile.
 */
async function holds(
  under: StoreUnderTest,
  run: Parameters<DefineTrial>[1],
  isLast: boolean,
): Promise<boolean> {
  const space = randomUUID()
  const store = await under.open()
  const other = await under.open()
  const own = (key: string): string => `${space}/${key}`
  const started = performance.now()
  let waited = 0
  try {
    await run({
      store,
      other,
      call: { signal: new AbortController().signal },
      name: own,
      total: (key, limit, amount = 1) => ({ key: own(key), limit, amount }),
      advance: async (ms) => {
        waited += ms
        await (under.advance ?? passed)(ms)
      },
    })
    return true
  } catch (error) {
    if (isLast || waited === 0 || performance.now() - started < waited + STILL_MS) throw error
    return false
  } finally {
    await store.close()
    if (other !== store) await other.close()
  }
}

async function passed(ms: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
