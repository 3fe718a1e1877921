import type { HaltSignal } from './control/halt.ts'
import { haltSubject } from './decide.ts'
import type { Invocation } from './invocation.ts'
import type { RunState } from './run-state.ts'

/**
 * What stops a call while it waits and while it runs: its caller, the end or halt of its run, a halt of its tool, and
 * whatever stops the call that it was made by.
 */
export function callSignal(run: RunState, { tool, signal, within }: Invocation): AbortSignal {
  const own = toolHalt(run, tool.name).signal
  const caller = signal === undefined || signal === run.signal ? [] : [signal]
  const outer = within === undefined ? [] : [within]
  const all = [own, ...caller, ...outer]
  return all.length === 1 ? own : AbortSignal.any(all)
}

/** Abort with a signal. A composite signal would do the same, but is slow to ask and to listen to. */
export function follow(own: AbortController, signal: AbortSignal): void {
  if (signal.aborted) return own.abort(signal.reason)
  const stop = (): void => own.abort(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  // Taken off by hand: a listener that is told so by an option takes twenty times as long to add.
  own.signal.addEventListener('abort', () => signal.removeEventListener('abort', stop), { once: true })
}

/** What comes of work, or the signal's reason as soon as it fires: a source that hears no signal holds no call. */
export function orStopped<T>(work: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    const over = (): void => signal.removeEventListener('abort', stop)
    work.then(
      (value) => (over(), resolve(value)),
      (error: unknown) => (over(), reject(error as Error)),
    )
  })
}

/** Fires with the run, and when the tool is halted. One for all calls of a tool in a run: a signal for each is slow. */
function toolHalt(run: RunState, tool: string): HaltSignal {
  const known = run.toolHalts.get(tool)
  if (known !== undefined && !known.signal.aborted) return known
  // A halt that was lifted since leaves its signal fired.
  const halt = run.guard.halts.signalFor(haltSubject(run, tool))
  if (run.signal.aborted) halt.abort(run.signal.reason)
  if (halt.signal.aborted) halt[Symbol.dispose]()
  else run.toolHalts.set(tool, halt)
  return halt
}

/** Stop the calls of a run, with it. */
export function stopCalls({ toolHalts, signal }: RunState): void {
  for (const halt of toolHalts.values()) {
    halt.abort(signal.reason)
    halt[Symbol.dispose]()
  }
}

/** Call `stop` when the signal of a call fires; returns what calls it off. */
export function whenAborted(run: RunState, tool: string, signal: AbortSignal, stop: () => void): () => void {
  const halt = run.toolHalts.get(tool)
  // A run makes many calls of a tool under one signal, and a listener for each is slow.
  if (halt?.signal === signal) return halt.whenAborted(stop)
  // A composite signal that is listened to is kept for as long as what it is made of: longer than the call.
  signal.addEventListener('abort', stop, { once: true })
  return () => signal.removeEventListener('abort', stop)
}

/** As `AbortSignal.timeout`: a signal that fires after so long, and a timer that goes with its call: one a call would pile up otherwise. */
export function deadlineOf(ms: number): Disposable & { readonly signal: AbortSignal } {
  const own = new AbortController()
  const late = (): void =>
    own.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
  const timer = setTimeout(late, ms).unref()
  return { signal: own.signal, [Symbol.dispose]: () => clearTimeout(timer) }
}
