import type { Awaitable } from '../policy/decision.ts'
import type { HaltDetail, HaltHookResult, HaltRecord, Halts } from './halt.ts'
import { keyOf } from './halt-scope.ts'

/** What a hook did, part by part, where not all of it is known to be done. */
export interface HaltHookOutcome {
  readonly confirmed: boolean
  readonly details: readonly HaltDetail[]
}

/** What must follow a halt: revoking tokens, telling somebody. */
export interface HaltHook {
  readonly name: string
  /**
   * Resolves once it is done. It is called in every process that hears of a halt, and again when the scope is halted
   * again, so doing it twice must do no harm. What it resolves with is all done, unless it is a `HaltHookOutcome`.
   */
  run(halt: HaltRecord, options: { readonly signal: AbortSignal }): Awaitable<unknown>
  /** How long it may take, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 10_000

/**
 * The same kill switch, with hooks that start as soon as a halt is in force here, whoever called it.
 *
 * A hook that fails or takes too long is reported by `halt` as not confirmed, and the halt stands. What was halted
 * before this process began is not news to it: no hook runs for that.
 */
export function withHooks(
  halts: Halts,
  hooks: readonly HaltHook[],
  tell?: (halt: HaltRecord, results: Promise<readonly HaltHookResult[]>) => void,
): Halts {
  if (hooks.length === 0) return halts
  const running = new Map<string, Promise<readonly HaltHookResult[]>>()

  function start(halt: HaltRecord): Promise<readonly HaltHookResult[]> {
    const key = keyOf(halt.scope)
    const known = running.get(key)
    if (known !== undefined) return known
    const made = Promise.all(hooks.map((hook) => runHook(hook, halt))).finally(() => running.delete(key))
    running.set(key, made)
    tell?.(halt, made)
    return made
  }

  halts.subscribe(({ action, ...halt }) => void (action === 'halt' && start(halt)))

  return {
    ...halts,
    async halt(scope, why) {
      const key = keyOf(scope)
      const pending = halts.halt(scope, why)
      const started = running.get(key)
      const halt = await pending
      // A scope that was halted already is no news, but whoever halts it again wants all of it done.
      return { ...halt, hooks: await (started ?? start(halt)) }
    },
  }
}

async function runHook(
  { name, run, timeoutMs = TIMEOUT_MS }: HaltHook,
  halt: HaltRecord,
): Promise<HaltHookResult> {
  const cut = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`It took longer than ${timeoutMs} ms.`)
      cut.abort(error)
      reject(error)
    }, timeoutMs)
  })
  try {
    const outcome = await Promise.race([(async () => run(halt, { signal: cut.signal }))(), late])
    return isOutcome(outcome) ? { name, ...outcome } : { name, confirmed: true }
  } catch (error) {
    return { name, confirmed: false, error }
  } finally {
    clearTimeout(timer)
  }
}

function isOutcome(value: unknown): value is HaltHookOutcome {
  return typeof value === 'object' && value !== null && 'confirmed' in value && 'details' in value
}
