/** One argument of a call, and what the guard found it to stand on. */
export interface Standing {
  readonly path: string
  /** `quoted`, `bound`, … or `unattested`. */
  readonly by: string
  /** Results that the value stands in, where nothing attests it. */
  readonly foundIn: readonly string[]
}

/** A reason against a call, as the audit has it. */
export interface Against {
  readonly rule: string
  readonly path?: string
  readonly text: string
}

/** Something that happened in a run, for a person to read. */
export type Entry =
  | {
      readonly kind: 'saw'
      readonly tool: string
      /** What it was, by its titles. */
      readonly titles: readonly string[]
      /** Who may have written it; undefined where the loop does not know. */
      readonly authors: readonly { readonly name: string; readonly trusted: boolean }[] | undefined
      /** Instructions in it that nobody asked for. */
      readonly injected: readonly string[]
    }
  | {
      readonly kind: 'call'
      readonly tool: string
      readonly input: Readonly<Record<string, unknown>>
      readonly outcome: 'ran' | 'permitted' | 'blocked'
      readonly code?: string
      /** What spoke against it. */
      readonly reasons: readonly Against[]
      readonly standing: readonly Standing[]
      readonly approvedBy?: string
    }
  | {
      readonly kind: 'note'
      readonly text: string
      /** From here on nothing more was to happen. */
      readonly isEnd?: boolean
    }
  | { readonly kind: 'answer'; readonly text: string; readonly removed: number }

/** One way through a story: what happened, in order, and what it came to. */
export interface Told {
  readonly timeline: readonly Entry[]
  readonly effects: readonly { readonly tool: string; readonly input: Readonly<Record<string, unknown>> }[]
  readonly answer: string
  /** What happened that nobody had asked for. */
  readonly violations: readonly string[]
  /** What the user had asked for and did not get. */
  readonly missing: readonly string[]
  /** How often a person was asked. */
  readonly prompts: number
}
