import { CLOCK_TOLERANCE_MS } from './check-obtained.ts'
import { createScrub, type Scrub } from './scrub.ts'

/**
 * The credentials that the tools of a run have had in hand. A server may show one again later, to another tool or in
 * a request of its own, so what is found is not those of one call alone.
 */
export interface HandedOut {
  /** Remember one for as long as it is of use to anybody. */
  add(value: string, life: { readonly expires: Date | undefined; readonly now: Date }): void
  /** Takes them out of what is shown; undefined where there are none. */
  scrub(): Scrub | undefined
}

export function createHandedOut(): HandedOut {
  /** Until when each is good, in milliseconds since 1970. */
  const values = new Map<string, number>()
  let scrub: Scrub | undefined
  return {
    add(value, { expires, now }) {
      if (values.has(value)) return
      for (const [known, until] of values) if (until < now.getTime()) values.delete(known)
      values.set(value, expires === undefined ? Infinity : expires.getTime() + CLOCK_TOLERANCE_MS)
      scrub = undefined
    },
    scrub() {
      if (values.size === 0) return undefined
      scrub ??= createScrub(values.keys())
      return scrub
    },
  }
}
