import type { DelegationScope, TokenIssuer } from './issuer.ts'
import type { Secret } from './secret.ts'

/** What became of one thing that had to end, and whether anything but hope says so. */
export interface Revocation {
  /** A token; an exchange that was under way; the agent's standing at the server to get another one. */
  readonly kind: 'token' | 'exchange' | 'delegation'
  readonly issuer: string
  /** The token's, as in the inventory. */
  readonly id?: string
  readonly subject?: string | undefined
  readonly agent?: string
  readonly run?: string
  readonly audience?: string
  readonly confirmed: boolean
  /** One sentence for a person. */
  readonly detail: string
}

/** How a revocation went: what stands in `Revocation`. */
export type Ended = Pick<Revocation, 'confirmed' | 'detail'>

/**
 * Revoke a token at its issuer (RFC 7009), and ask whether it is gone (RFC 7662) where that can be asked. Never throws:
 * what failed is not confirmed. The answer 200 alone confirms nothing, since it is given for unknown tokens too (§2.2).
 */
export async function revokeToken(issuer: TokenIssuer, token: Secret, signal: AbortSignal): Promise<Ended> {
  if (issuer.revoke === undefined || !issuer.capabilities.revokes)
    return {
      confirmed: false,
      detail: 'The issuer revokes nothing; it is dropped here, and runs out by itself.',
    }
  try {
    await unlessCut(issuer.revoke(token, { signal }), signal)
  } catch (error) {
    return { confirmed: false, detail: `The issuer could not be told to revoke it${why(error)}.` }
  }
  if (issuer.introspect === undefined || !issuer.capabilities.introspects)
    return { confirmed: false, detail: 'The issuer took the revocation, and has no way to confirm it.' }
  try {
    const { active } = await unlessCut(issuer.introspect(token, { signal }), signal)
    return active === false
      ? { confirmed: true, detail: 'Revoked, and the issuer says that it is no longer active.' }
      : {
          confirmed: false,
          detail: 'The issuer took the revocation, and says that the token is still active.',
        }
  } catch (error) {
    return {
      confirmed: false,
      detail: `The issuer took the revocation, and could not be asked${why(error)}.`,
    }
  }
}

/** Have the server refuse new tokens too; undefined where it has no way to, for this kind of scope. */
export async function endDelegation(
  issuer: TokenIssuer,
  scope: DelegationScope,
  signal: AbortSignal,
): Promise<Ended | undefined> {
  if (issuer.endDelegation === undefined) return undefined
  try {
    const ended = await unlessCut(issuer.endDelegation(scope, { signal }), signal)
    return ended ? { confirmed: true, detail: 'The issuer refuses new tokens.' } : undefined
  } catch (error) {
    return { confirmed: false, detail: `The issuer could not be told to refuse new tokens${why(error)}.` }
  }
}

/**
 * The work, or the reason of the abort as soon as there is one: a driver need not listen. `late` is given work that
 * nobody waits for any more.
 */
export function unlessCut<T>(
  work: Promise<T>,
  signal: AbortSignal,
  { late }: { readonly late?: (work: Promise<T>) => void } = {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      reject(signal.reason as Error)
      work.catch(() => {})
      late?.(work)
    }
    if (signal.aborted) return stop()
    signal.addEventListener('abort', stop, { once: true })
    const over = (): boolean => {
      signal.removeEventListener('abort', stop)
      return signal.aborted
    }
    work.then(
      (value) => over() || resolve(value),
      (error: unknown) => over() || reject(error as Error),
    )
  })
}

// A message may quote the request; a code does not.
function why(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' && /^[\w-]{1,40}$/.test(code) ? ` (${code})` : ''
}
