import type { Awaitable } from '../policy/decision.ts'
import type { AuditEvent } from './event.ts'

/** Where audit events go. They arrive redacted. A throw denies the call that the event is about. */
export interface AuditSink {
  /**
   * Keep one event. Resolve only once it is kept to the degree that the sink promises.
   * The signal says that nobody waits any more; it is no reason to lose an event that was accepted.
   */
  write(event: AuditEvent, options: { readonly signal: AbortSignal }): Awaitable<void>
  /** Resolve once everything accepted so far is kept. */
  flush?(): Awaitable<void>
}
