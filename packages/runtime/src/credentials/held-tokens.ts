import type { HeldToken } from './held-token.ts'

/** The tokens of this process: which may be handed out, and which exist. */
export interface HeldTokens {
  /** The token of a key, if it may be handed out. */
  get(key: string): HeldToken | undefined
  /** Remember that a token exists. It is not handed out before `offer`. */
  add(token: HeldToken): void
  offer(token: HeldToken): void
  /** Hand it out no more. It is remembered until it has expired. */
  drop(token: HeldToken): void
  /** All that have not expired, revoked ones among them. */
  all(): readonly HeldToken[]
  ofRun(run: string): readonly HeldToken[]
}

export function createHeldTokens({ now }: { readonly now: () => Date }): HeldTokens {
  const offered = new Map<string, HeldToken>()
  const known = new Set<HeldToken>()
  const runs = new Map<string, Set<HeldToken>>()

  function drop(token: HeldToken): void {
    if (offered.get(token.key) === token) offered.delete(token.key)
    if (token.state === 'live') token.state = 'dropped'
  }

  function over(token: HeldToken): void {
    drop(token)
    clearTimeout(token.timer)
    known.delete(token)
    const { run } = token.owner
    const of = runs.get(run)
    of?.delete(token)
    if (of?.size === 0) runs.delete(run)
    token.token = undefined
  }

  // Oldest first, and lives are alike: what is left behind one that still lives goes soon after.
  function sweep(at: number): void {
    for (const token of known) {
      if (token.expires > at) return
      over(token)
    }
  }

  return {
    get(key) {
      const token = offered.get(key)
      if (token === undefined) return undefined
      if (now().getTime() < token.until) return token
      drop(token)
      return undefined
    },
    add(token) {
      sweep(now().getTime())
      known.add(token)
      const { run } = token.owner
      runs.set(run, (runs.get(run) ?? new Set()).add(token))
    },
    offer(token) {
      token.state = 'live'
      offered.set(token.key, token)
    },
    drop,
    all() {
      const at = now().getTime()
      for (const token of known) if (token.expires <= at) over(token)
      return [...known]
    },
    ofRun: (run) => [...(runs.get(run) ?? [])],
  }
}
