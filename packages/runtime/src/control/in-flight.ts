import { type HaltScope, type HaltSubject, keyOf, keysOf } from './halt-scope.ts'

/** A call whose tool has not come back yet. */
export interface CallInFlight {
  readonly call: string
  readonly tool: string
  readonly run: string
  /** When the tool was called. */
  readonly since: Date
  /**
   * When it was told to stop, by its abort signal: its caller has been released, and what it returns is thrown away.
   * A call that goes on being here ignores its signal, or cannot stop. Undefined for one that nobody stopped.
   */
  readonly stoppedAt: Date | undefined
}

/** Keep what happens to a call in flight. */
export interface Flight {
  stopped(): void
  /** The tool has come back, however late. */
  ended(): void
}

/** The calls in flight in this process. */
export interface InFlight {
  begin(call: string, subject: HaltSubject & { readonly tool: string }, since: number): Flight
  list(): readonly CallInFlight[]
  /** Calls of a scope, and whatever was stopped from an instant on, that were told to stop and have not. */
  stillRunning(scope: HaltScope, from: Date): readonly CallInFlight[]
}

interface Entry {
  readonly call: string
  readonly subject: HaltSubject & { readonly tool: string }
  readonly since: number
  stoppedAt: Date | undefined
}

export function createInFlight({ now }: { readonly now: () => Date }): InFlight {
  const entries = new Set<Entry>()
  return {
    begin(call, subject, since) {
      const entry: Entry = { call, subject, since, stoppedAt: undefined }
      entries.add(entry)
      return {
        stopped() {
          entry.stoppedAt ??= now()
        },
        ended: () => void entries.delete(entry),
      }
    },
    list: () => [...entries].map(shown),
    stillRunning(scope, from) {
      const key = keyOf(scope)
      const due = [...entries].filter(
        ({ subject, stoppedAt }) =>
          stoppedAt !== undefined && (stoppedAt >= from || keysOf(subject).includes(key)),
      )
      return due.map(shown)
    },
  }
}

function shown({ call, subject: { tool, run }, since, stoppedAt }: Entry): CallInFlight {
  return { call, tool, run, since: new Date(since), stoppedAt }
}
