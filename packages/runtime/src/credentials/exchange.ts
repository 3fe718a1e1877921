import { CredentialError, HaltedError, UnavailableError } from '../errors.ts'
import { checkObtained, type CheckOptions } from './check-obtained.ts'
import { type HeldToken, holdToken, type HoldOptions } from './held-token.ts'
import { issuerFailed } from './issuer-failed.ts'
import type { ObtainedToken, TokenIssuer } from './issuer.ts'
import { type Ended, revokeToken, unlessCut } from './revoke.ts'
import { Secret } from './secret.ts'
import type { ServedAudience } from './served-audience.ts'
import type { CredentialOwner, CredentialRequest } from './source.ts'

/** An exchange that is under way, for whoever has to stop it. */
export interface Exchange {
  readonly owner: CredentialOwner
  readonly key: string
  readonly issuer: TokenIssuer
  /** What it came to, once nothing of it is left to come: never rejects. */
  readonly fate: Promise<Ended>
}

export interface ExchangeOptions
  extends Omit<HoldOptions, 'key' | 'issuer' | 'now'>, Pick<CheckOptions, 'maxLifetimeMs' | 'revokeAtLimit'> {
  readonly entry: ServedAudience
  readonly key: string
  readonly now: () => Date
  readonly timeoutMs: number
  readonly isHalted: (owner: CredentialOwner) => boolean
  /** Write down that it exists; a throw keeps it from being handed out. */
  readonly keep: (token: HeldToken, call: { readonly signal: AbortSignal }) => Promise<void>
  /** From now on it may be handed out. */
  readonly offer: (token: HeldToken) => void
  /** End a token that was kept, in part or whole. */
  readonly end: (token: HeldToken) => Promise<Ended>
  readonly tell: (exchange: Exchange) => void
  /** An answer was not taken, or the issuer gave none. */
  readonly rejected: (reason: string) => void
}

const NOTHING: Ended = { confirmed: true, detail: 'No token came back.' }

/**
 * Ask an issuer once, check what it answers and keep it.
 *
 * However it fails, no token is left over that nobody watches: what was not taken, or came back when nobody waited
 * for it any more, is revoked.
 */
export async function exchange(
  request: CredentialRequest,
  options: ExchangeOptions,
  cut: AbortSignal,
): Promise<HeldToken> {
  const { entry, key, now, timeoutMs } = options
  const { issuer } = entry
  const fate = Promise.withResolvers<Ended>()
  const { subject, actor, tenant, run, session, behind } = request
  options.tell({ owner: { subject, actor, tenant, run, session, behind }, key, issuer, fate: fate.promise })
  const signal = AbortSignal.any([cut, AbortSignal.timeout(issuer.timeoutMs ?? timeoutMs)])
  const stopIfHalted = (): void => {
    cut.throwIfAborted()
    if (options.isHalted(request)) throw new HaltedError('ERR_HALTED', 'This was halted by an operator.')
  }

  let obtained: ObtainedToken | undefined
  let held: HeldToken | undefined
  let isLate = false
  try {
    const work = (async () => issuer.obtain(request, { signal }))()
    obtained = await unlessCut(work, signal, {
      late: (answer) => {
        isLate = true
        answer.then(
          (late) => fate.resolve(discard(issuer, late, timeoutMs)),
          () => fate.resolve(NOTHING),
        )
      },
    })
    stopIfHalted()
    held = holdToken(checked(obtained, request, options), request, { ...options, issuer, now: now() })
    await options.keep(held, { signal })
    stopIfHalted()
    // With nothing between: a halt either was seen above, or finds it offered.
    options.offer(held)
    fate.resolve({ confirmed: true, detail: 'It had ended, and is listed with the tokens.' })
    return held
  } catch (error) {
    if (held !== undefined) fate.resolve(options.end(held))
    else if (obtained !== undefined) fate.resolve(discard(issuer, obtained, timeoutMs))
    else if (!isLate) fate.resolve(NOTHING)
    // Whoever cut it off says why; a server that was slow is one that could not be reached.
    if (cut.aborted) throw cut.reason
    if (signal.aborted)
      throw new UnavailableError('ERR_CREDENTIALS_UNAVAILABLE', 'The issuer of tokens took too long.')
    if (error instanceof CredentialError && error.reason !== undefined) options.rejected(error.reason)
    throw held === undefined ? issuerFailed(error) : error
  }
}

function checked(
  obtained: ObtainedToken,
  request: CredentialRequest,
  { entry, now, maxLifetimeMs, revokeAtLimit }: ExchangeOptions,
): ReturnType<typeof checkObtained> {
  const subject = request.subject === undefined ? undefined : entry.subject(request)
  const expected = { subject, actors: entry.actors(request) }
  return checkObtained(obtained, request, {
    issuer: entry.issuer,
    expected,
    now: now(),
    maxLifetimeMs,
    revokeAtLimit,
  })
}

async function discard(issuer: TokenIssuer, answer: ObtainedToken, timeoutMs: number): Promise<Ended> {
  const token = (answer as ObtainedToken | undefined)?.token
  if (!(token instanceof Secret)) return NOTHING
  return revokeToken(issuer, token, AbortSignal.timeout(timeoutMs))
}
