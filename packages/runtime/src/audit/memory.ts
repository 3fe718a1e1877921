import type { AuditEvent } from './event.ts'
import type { AuditSink } from './sink.ts'

/** An audit in memory: the last events only, gone with the process. For tests and for trying things out. */
export interface MemoryAudit extends AuditSink {
  /** What is still kept, oldest first. */
  events(): readonly AuditEvent[]
  /** How many events had to make room for newer ones. */
  readonly dropped: number
}

/** Keep the last `capacity` events (10,000 by default) in memory. */
export function memoryAudit({ capacity = 10_000 }: { readonly capacity?: number } = {}): MemoryAudit {
  if (!Number.isInteger(capacity) || capacity < 1)
    throw new RangeError('capacity: expected a whole number from 1 up.')
  const ring: AuditEvent[] = []
  let written = 0
  return {
    write(event) {
      ring[written % capacity] = event
      written += 1
    },
    events() {
      const start = written % capacity
      return written <= capacity ? [...ring] : [...ring.slice(start), ...ring.slice(0, start)]
    },
    get dropped() {
      return Math.max(0, written - capacity)
    },
  }
}
