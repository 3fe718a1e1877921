import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { ConfigError, CredentialError, GuardError, HaltedError } from '../errors.ts'
import { credentialKey } from './credential-key.ts'
import { type Exchange, exchange, type ExchangeOptions } from './exchange.ts'
import { createFlights } from './flights.ts'
import { type HeldToken, type LiveCredential, liveCredential } from './held-token.ts'
import { createHeldTokens } from './held-tokens.ts'
import type { RevokedScope } from './issuer.ts'
import { readKey } from './read-key.ts'
import { endDelegation, type Ended, type Revocation, revokeToken, unlessCut } from './revoke.ts'
import type { SecretSource } from './secret-source.ts'
import { type Issuers, type ServedAudience, servedAudiences } from './served-audience.ts'
import type { CallCredential, CredentialOwner, CredentialRequest, CredentialSource } from './source.ts'

export interface CredentialsOptions {
  /** Who is asked for the tokens of each audience. */
  readonly issuers: Issuers
  /** Where keys of third parties are kept; left out, contracts that ask for one do not start. */
  readonly secrets?: SecretSource
  /** The longest that a token may live, in milliseconds. Default ten minutes. */
  readonly maxLifetimeMs?: number
  /** Take tokens that live longer, and revoke them at the limit. Only with issuers that revoke. Default false. */
  readonly revokeAtLimit?: boolean
  /** Revoke the tokens of a run when it ends, rather than let them run out. Default false. */
  readonly revokeWhenRunEnds?: boolean
  /** How long before it expires a token is no longer handed out, in milliseconds. Default 15,000. */
  readonly marginMs?: number
  /** How long an issuer may take, in milliseconds. Default 10,000. Nothing is tried again. */
  readonly timeoutMs?: number
  readonly now?: () => Date
}

/** What happened to a token, for whoever keeps the records. */
export type CredentialEvent = { readonly owner: CredentialOwner } & (
  | { readonly action: 'issued'; readonly credential: LiveCredential }
  | {
      readonly action: 'refused'
      readonly issuer: string
      readonly audience: string
      readonly reason: string
    }
  | { readonly action: 'revoked'; readonly credential: LiveCredential; readonly ended: Ended }
)

/** What a guard tells of itself to the credentials that it uses. */
export interface CredentialGuard {
  isHalted(owner: CredentialOwner): boolean
  /** Resolves once it is written down; a throw keeps a token from being handed out. */
  record(event: CredentialEvent, options: { readonly signal: AbortSignal }): Promise<void>
}

/** Which tokens are to end: whose, and what their issuers are told. */
export interface RevocationScope {
  readonly scope: RevokedScope
  matches(owner: CredentialOwner): boolean
}

/** The tokens of this process. */
export interface Credentials extends CredentialSource {
  readonly heldBy: string
  /** Let a guard say what is halted, and hear of each token. Dispose of it with the guard. */
  attach(guard: CredentialGuard): Disposable
  opened(run: string): void
  /** Nothing of the run is handed out again. Resolves when its tokens are revoked, where that is wanted. */
  ended(run: string): Promise<void>
  /** The tokens that this process knows to exist. */
  held(): readonly LiveCredential[]
  /**
   * Hand out nothing of a scope from this instant, cut off the exchanges that are under way, revoke what there is,
   * and have the issuers refuse new ones. Never throws for an issuer: what failed is not confirmed.
   */
  revoke(scope: RevocationScope, options: { readonly signal: AbortSignal }): Promise<readonly Revocation[]>
}

const MAX_LIFETIME_MS = 600_000
const MARGIN_MS = 15_000
const TIMEOUT_MS = 10_000
// A halt waits for it, and a person for the halt.
const REVOKE_TIMEOUT_MS = 5000
const LONGEST_MS = 86_400_000

/**
 * Get tokens for calls from issuers, check them, and keep them in this process's memory until shortly before they
 * expire. One exchange is under way for one key at a time, however many calls wait for it.
 *
 * Fails closed: what is wider or lives longer than was asked for is refused, and revoked where that can be. No token
 * is handed out for a run, user, agent, session or tenant that is halted, also if the halt came during the exchange:
 * what comes back then is revoked.
 *
 * @throws {ConfigError} For options that are not safe to start with; names the key.
 */
export function createCredentials(options: CredentialsOptions): Credentials {
  const { served, ...limits } = checked(options)
  const { timeoutMs, maxLifetimeMs, now } = limits
  const revokeTimeoutMs = Math.min(timeoutMs, REVOKE_TIMEOUT_MS)
  const heldBy = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`
  const issuers = new Set([...served.values()].map(({ issuer }) => issuer))
  const guards = new Set<CredentialGuard>()
  const tokens = createHeldTokens({ now })
  const flights = createFlights<HeldToken>()
  const exchanges = new Set<Exchange>()
  /** How many runs of each id go on. */
  const open = new Map<string, number>()

  const isHalted = (owner: CredentialOwner): boolean => {
    for (const guard of guards) if (guard.isHalted(owner)) return true
    return false
  }
  const record: CredentialGuard['record'] = async (event, call) => {
    for (const guard of guards) await guard.record(event, call)
  }

  /** End a token at its issuer; whoever asks meanwhile gets the same answer. */
  function end(token: HeldToken): Promise<Ended> {
    tokens.drop(token)
    token.ending ??= ending(token)
    return token.ending
  }

  async function ending(token: HeldToken): Promise<Ended> {
    const { token: value, issuer, owner } = token
    if (value === undefined) return { confirmed: true, detail: 'It has expired.' }
    // Until something says otherwise.
    token.state = 'not-confirmed'
    const signal = AbortSignal.timeout(revokeTimeoutMs)
    const ended = await revokeToken(issuer, value, signal)
    if (ended.confirmed) token.state = 'revoked'
    // What is not known to be gone can be asked for again.
    if (!ended.confirmed) token.ending = undefined
    try {
      await record({ action: 'revoked', owner, credential: liveCredential(token), ended }, { signal })
      return ended
    } catch {
      return { confirmed: false, detail: `${ended.detail} That could not be written down.` }
    }
  }

  const exchanging: Omit<ExchangeOptions, 'entry' | 'key' | 'rejected'> = {
    ...limits,
    heldBy,
    isHalted,
    end,
    refused: tokens.drop,
    async keep(token, call) {
      tokens.add(token)
      const credential = { ...liveCredential(token), state: 'live' as const }
      await record({ action: 'issued', owner: token.owner, credential }, call)
    },
    offer(token) {
      tokens.offer(token)
      if (token.outlives) token.timer = setTimeout(() => void end(token), maxLifetimeMs).unref()
    },
    tell(under) {
      exchanges.add(under)
      void under.fate.then(() => exchanges.delete(under))
    },
  }

  async function issued(
    request: CredentialRequest,
    key: string,
    entry: ServedAudience,
    signal: AbortSignal,
  ): Promise<CallCredential> {
    const rejected = (reason: string): void => {
      const { name } = entry.issuer
      const event = {
        action: 'refused',
        owner: request,
        issuer: name,
        audience: request.audience,
        reason,
      } as const
      // The call is refused either way, and that is written down as well.
      record(event, { signal: AbortSignal.timeout(timeoutMs) }).catch(() => {})
    }
    const token = await flights.join(key, signal, (cut) =>
      exchange(request, { ...exchanging, entry, key, rejected }, cut),
    )
    // It may have ended before anyone who waited for it could run.
    if (token.state !== 'live') throw halted()
    return token.credential
  }

  function cutOff(matches: (owner: CredentialOwner) => boolean, reason: GuardError): readonly Exchange[] {
    const of = [...exchanges].filter(({ owner }) => matches(owner))
    const keys = new Set(of.map(({ key }) => key))
    flights.cut((key) => keys.has(key), reason)
    return of
  }

  return {
    heldBy,
    issue(request, { signal }) {
      const entry = served.get(request.audience)
      if (entry === undefined)
        throw refusal('audience-unknown', 'No issuer serves the audience of this call.')
      if (isHalted(request)) throw halted()
      const { issuer } = entry
      if (request.subject === undefined && !issuer.capabilities.withoutUser)
        throw refusal('without-user', 'The issuer of this call gives tokens for users alone.')
      const key = credentialKey(request, issuer)
      return tokens.get(key)?.credential ?? issued(request, key, entry, signal)
    },
    ...(options.secrets !== undefined && {
      async key(request, { signal }) {
        if (isHalted(request)) throw halted()
        const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
        return await readKey(options.secrets, request, within)
      },
    }),
    attach(guard) {
      guards.add(guard)
      return { [Symbol.dispose]: () => void guards.delete(guard) }
    },
    opened: (run) => void open.set(run, (open.get(run) ?? 0) + 1),
    async ended(run) {
      const others = (open.get(run) ?? 1) - 1
      if (others > 0) return void open.set(run, others)
      open.delete(run)
      const of = tokens.ofRun(run)
      for (const token of of) tokens.drop(token)
      if (exchanges.size > 0)
        cutOff((owner) => owner.run === run, new GuardError('ERR_RUN_ENDED', 'This run has ended.'))
      if (options.revokeWhenRunEnds === true) await Promise.all(of.map(end))
      return undefined
    },
    held: () => tokens.all().map(liveCredential),
    async revoke({ scope, matches }, { signal }) {
      const of = tokens.all().filter(({ owner, state }) => state !== 'revoked' && matches(owner))
      // In this same instant: nothing of it is handed out while the issuers are asked.
      for (const token of of) tokens.drop(token)
      const running = cutOff(matches, halted())
      const owners = [...of, ...running].map(({ owner }) => owner)
      const subjects = [...new Set(owners.flatMap(({ subject }) => subject ?? []))]
      const until = AbortSignal.any([signal, AbortSignal.timeout(revokeTimeoutMs)])
      const ended = await Promise.all([
        ...of.map(async (token) => [about('token', token, await unlessLate(end(token), until))]),
        ...running.map(async (under) => [about('exchange', under, await unlessLate(under.fate, until))]),
        ...[...issuers].map(async (issuer): Promise<Revocation[]> => {
          const result = await endDelegation(issuer, { ...scope, subjects }, until)
          return result === undefined ? [] : [{ kind: 'delegation', issuer: issuer.name, ...result }]
        }),
      ])
      return ended.flat()
    },
  }
}

function checked(options: CredentialsOptions): Pick<
  ExchangeOptions,
  'maxLifetimeMs' | 'revokeAtLimit' | 'marginMs' | 'timeoutMs' | 'now'
> & {
  readonly served: ReadonlyMap<string, ServedAudience>
} {
  const { maxLifetimeMs = MAX_LIFETIME_MS, timeoutMs = TIMEOUT_MS, revokeAtLimit = false } = options
  const { marginMs = Math.min(MARGIN_MS, maxLifetimeMs / 4), now = () => new Date(), secrets } = options
  for (const [key, value] of Object.entries({ maxLifetimeMs, timeoutMs }))
    if (!(value > 0 && value <= LONGEST_MS))
      throw new ConfigError(`credentials.${key}`, value, 'a positive number of milliseconds, at most a day')
  if (!(marginMs >= 0 && marginMs < maxLifetimeMs))
    throw new ConfigError('credentials.marginMs', marginMs, 'milliseconds, fewer than maxLifetimeMs')
  if (secrets !== undefined && typeof secrets?.read !== 'function')
    throw new ConfigError('credentials.secrets', typeof secrets, 'a source of keys, with read()')
  const served = servedAudiences(options.issuers, { revokeAtLimit })
  return { maxLifetimeMs, timeoutMs, revokeAtLimit, marginMs, now, served }
}

function about(kind: Revocation['kind'], of: HeldToken | Exchange, ended: Ended): Revocation {
  const { subject, actor, run } = of.owner
  const token = 'facts' in of ? { id: of.id, audience: of.facts.audience } : {}
  return { kind, issuer: of.issuer.name, ...token, subject, agent: actor, run, ...ended }
}

async function unlessLate(ended: Promise<Ended>, signal: AbortSignal): Promise<Ended> {
  try {
    return await unlessCut(ended, signal)
  } catch {
    return { confirmed: false, detail: 'The issuer did not answer in time.' }
  }
}

function halted(): HaltedError {
  return new HaltedError('ERR_HALTED', 'This was halted by an operator.')
}

function refusal(reason: string, message: string): CredentialError {
  return new CredentialError('ERR_CREDENTIAL', message, { reason })
}
