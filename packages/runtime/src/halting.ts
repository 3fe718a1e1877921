import { setImmediate as turn } from 'node:timers/promises'
import type { Audit } from './audit/audit.ts'
import type { HaltReason, HaltResult, Halts, HaltScope } from './control/halt.ts'
import { keyOf } from './control/halt-scope.ts'
import type { InFlight } from './control/in-flight.ts'
import { ConfigError } from './errors.ts'
import { GUARD } from './watch.ts'

/** The kill switch of a guard: every halt and resume is in the audit, and says what ignored it. */
export interface Halting extends Disposable {
  halt(scope: HaltScope, why: HaltReason): Promise<HaltResult>
  resume(scope: HaltScope, why: HaltReason): Promise<boolean>
}

export interface HaltingOptions {
  readonly halts: Halts
  readonly audit: Audit
  readonly inFlight: InFlight
  /** Whether halts may come from elsewhere, to be audited as they are heard of. */
  readonly hasOtherHalts: boolean
}

export function createHalting({ halts, audit, inFlight, hasOtherHalts }: HaltingOptions): Halting {
  const record = async (
    action: 'halt' | 'resume',
    scope: HaltScope,
    { by, reason }: HaltReason,
  ): Promise<void> =>
    await audit.record({ type: 'halt', action, scope: { ...scope }, by, reason }, { signal: NEVER })
  // What is done here is audited here, before anyone is answered; the rest as it is heard of.
  const doing = new Set<string>()
  const stop = hasOtherHalts
    ? halts.subscribe(({ action, scope, by, reason }) => {
        if (!doing.has(keyOf(scope)) && by !== GUARD) record(action, scope, { by, reason }).catch(() => {})
      })
    : undefined
  return {
    async halt(scope, why) {
      const key = keyOf(scope)
      doing.add(key)
      // In force first: an audit that is out of reach must not keep anyone from stopping an agent.
      let halted
      try {
        halted = await halts.halt(scope, why)
      } catch (error) {
        // It stands here, though not everywhere.
        if (!(error instanceof ConfigError)) await record('halt', scope, why)
        throw error
      } finally {
        doing.delete(key)
      }
      await record('halt', scope, why)
      // What listens to its signal has ended by then.
      await turn()
      return { ...halted, stillRunning: inFlight.stillRunning(scope, halted.at) }
    },
    async resume(scope, why) {
      const key = keyOf(scope)
      await record('resume', scope, why)
      doing.add(key)
      try {
        return await halts.resume(scope, why)
      } finally {
        doing.delete(key)
      }
    },
    [Symbol.dispose]: () => stop?.(),
  }
}

const NEVER = new AbortController().signal
