import type { Facts } from './rules.ts'

/** Decides on one prepared call: whether it may be made. */
export type Decide = () => boolean | Promise<boolean>

/** Something that a user could decide tool calls with. */
export interface Peer {
  /** The package, as npm names it; none for what needs no package. */
  readonly package?: string
  /** What of it, or what it is. */
  readonly way?: string
  /** What one decision of it includes. */
  readonly measures: string
  /** Decisions in one timing, where one alone is too short to time. */
  readonly batch?: number
  /** Numbers of messages at which to measure it, where its decision depends on them. */
  readonly histories?: readonly number[]
  /**
   * Load the package and the ten rules. Rejects where it cannot be installed or has no usable engine here.
   *
   * What comes back prepares a call outside the timing, as far as the peer's interface lets a caller.
   */
  load(): Promise<(facts: Facts, messages: readonly Said[]) => Decide>
}

/** A message of the user and the page that the model read after it. */
export interface Said {
  readonly message: string
  readonly page: string
}
