import { HaltedError } from '../errors.ts'
import { type HaltSubject, keysOf } from './halt-scope.ts'

/** A signal that fires when its subject is halted. Dispose of it when the subject ends. */
export interface HaltSignal extends Disposable {
  readonly signal: AbortSignal
  /** Call `stop` when it fires; returns what calls it off. A listener of the signal would do, but is slow to add. */
  whenAborted(stop: () => void): () => void
  /** Fire it for a reason of the holder's own, such as the end of what the subject is part of. */
  abort(reason: unknown): void
}

/** The signals of what is running now. */
export interface HaltSignals {
  /** A signal of a subject, fired already if it is halted. */
  signalFor(subject: HaltSubject, isHalted: boolean): HaltSignal
  /** Fire the signals of everything in a scope, by its key; of everything, where left out. */
  fire(key?: string): void
}

export function createHaltSignals(): HaltSignals {
  const watched = new Map<HaltSignal, HaltSubject>()
  return {
    signalFor(subject, isHalted) {
      const made = createHaltSignal(() => void watched.delete(made))
      if (isHalted) made.abort(halted())
      else watched.set(made, subject)
      return made
    },
    fire(key) {
      const reason = halted()
      for (const [signal, subject] of watched)
        if (key === undefined || keysOf(subject).includes(key)) signal.abort(reason)
    },
  }
}

function createHaltSignal(dispose: () => void): HaltSignal {
  const controller = new AbortController()
  const { signal } = controller
  const waiting = new Set<() => void>()
  return {
    signal,
    whenAborted(stop) {
      waiting.add(stop)
      return () => void waiting.delete(stop)
    },
    abort(reason) {
      if (signal.aborted) return
      controller.abort(reason)
      for (const stop of waiting) stop()
    },
    [Symbol.dispose]: dispose,
  }
}

function halted(): HaltedError {
  return new HaltedError('ERR_HALTED', 'This was halted by an operator.')
}
