import { ConfigError, GuardError, UnavailableError } from '@gatewright/runtime'
import { Secret } from '@gatewright/runtime/credentials'
import { type AuthenticatedSubject, type DelegationActor, subjectFromJwt } from '@gatewright/runtime/identity'
import { memoryStore, type Store } from '@gatewright/runtime/store'
import type { JWTPayload } from 'jose'
import { isObject } from './definition.ts'
import { proofCheck } from './guard-server-dpop.ts'

/** Who calls a tool, as a verified token says. */
export interface McpCaller {
  /** For whom: the user, or the agent itself where no user is behind the call. */
  readonly subject: `user:${string}` | `agent:${string}`
  /** Who acts: the outermost `act`. Undefined where a client of the user's own calls, with no agent in between. */
  readonly actor: DelegationActor | undefined
  /** All actors, nearest first. Those behind the first are history, and permit nothing (RFC 8693 §4.1). */
  readonly chain: readonly string[]
  readonly client: string | undefined
  readonly scopes: ReadonlySet<string>
  readonly tenant: string | undefined
  readonly expires: Date
  /** To exchange it for a token of another service; that is never to be called with this one. */
  readonly token: Secret
  /** How the user was authenticated, ready for `startRun`; undefined where there is none. */
  readonly authenticated: AuthenticatedSubject | undefined
}

export interface McpCallerOptions {
  /** The address of this MCP server, which is what tokens for it must name in `aud` (RFC 8707). */
  readonly resource: string
  /** Whose tokens count, as in their `iss`. */
  readonly issuer: string
  /** Where the issuer publishes its keys. */
  readonly jwks: URL | string
  /** Default `RS256`, `PS256`, `ES256` and `Ed25519`. Never `none`, never one with a shared key. */
  readonly algorithms?: readonly string[]
  /** Agents that may act for users here, by the `sub` of `act`. Left out, a token with `act` is refused. */
  readonly agents?: readonly (string | DelegationActor)[]
  /** The tenant that a token is of; if given, a token with none is refused. */
  readonly tenant?: (claims: Readonly<JWTPayload>) => string | undefined
  /** How far the clocks may differ, in milliseconds. Default 5,000; at most 60,000. */
  readonly clockToleranceMs?: number
  /** Where it is kept which proofs of possession were used; shared by all processes of the server. Default: in memory. */
  readonly store?: Store
  readonly now?: () => Date
}

/** Why a request has no caller, for its response. */
export type NoCaller = 'no token' | 'in query' | 'invalid' | 'unavailable'

/** Who sent a request; throws nothing but what aborts it. */
export type CallerOf = (request: Request) => Promise<McpCaller | NoCaller>

const HEADER = /^(?<scheme>Bearer|DPoP) +(?<token>[\w.~+/-]+=*)$/i
const MOST_SCOPES = 1000

/**
 * Verify the tokens of requests (RFC 6750, RFC 9068, RFC 9449).
 *
 * Beside what `subjectFromJwt` checks: it comes in the header and nowhere else; one that is bound to a key comes with
 * its proof, and one that is bound to anything else is refused.
 *
 * @throws {ConfigError} On options that would check less than this.
 */
export function callerCheck(options: McpCallerOptions): CallerOf {
  const { resource, issuer, jwks, algorithms, agents = [], tenant: tenantOf } = options
  const { clockToleranceMs = 5000, now = () => new Date() } = options
  const url = URL.canParse(resource) ? new URL(resource) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hash !== '' || url.search !== '')
    throw new ConfigError('resource', resource, 'the URL of this server, with no query and no fragment')
  const claimsOf = new WeakMap<object, Readonly<JWTPayload>>()
  const verify = subjectFromJwt({
    issuer,
    audience: resource,
    jwks,
    clockToleranceMs,
    now,
    ...(algorithms === undefined ? {} : { algorithms }),
    delegation: { actors: agents },
    principal(claims) {
      const tenant = tenantOf?.(claims)
      if (tenantOf !== undefined && (typeof tenant !== 'string' || tenant === '')) throw refused()
      const principal = {
        subject: `user:${claims.sub ?? ''}` as const,
        ...(tenant === undefined ? {} : { tenant }),
      }
      claimsOf.set(principal, claims)
      return principal
    },
  })
  const store = options.store ?? memoryStore({ now })
  const isProved = proofCheck({ store, now, clockToleranceMs })

  async function callerIn(request: Request, scheme: string, token: string): Promise<McpCaller> {
    const { signal } = request
    const secret = new Secret(token)
    const authenticated = await verify(secret, { signal })
    const claims = claimsOf.get(authenticated.principal) ?? {}
    const { cnf } = claims
    if (cnf === undefined && scheme !== 'bearer') throw refused()
    if (cnf !== undefined) {
      const jkt = isObject(cnf) && Object.keys(cnf).length === 1 ? cnf['jkt'] : undefined
      const proof = request.headers.get('dpop')
      if (typeof jkt !== 'string' || scheme !== 'dpop' || proof === null) throw refused()
      const of = { proof, token, jkt, method: request.method, url: resource }
      if (!(await isProved(of, { signal }))) throw refused()
    }
    return callerOf(authenticated, claims, secret)
  }

  return async (request) => {
    const header = request.headers.get('authorization')
    // It would stand in every log on the way (RFC 9700 §4.3.2).
    if (new URL(request.url).searchParams.has('access_token')) return 'in query'
    if (header === null) return 'no token'
    const { scheme = '', token } = HEADER.exec(header)?.groups ?? {}
    if (token === undefined) return 'invalid'
    try {
      return await callerIn(request, scheme.toLowerCase(), token)
    } catch (error) {
      request.signal.throwIfAborted()
      return error instanceof UnavailableError ? 'unavailable' : 'invalid'
    }
  }
}

function callerOf(given: AuthenticatedSubject, claims: Readonly<JWTPayload>, token: Secret): McpCaller {
  const { principal, delegation: chain = [] } = given
  const { sub, client_id: client, scope = '', act, exp = 0 } = claims
  if (typeof scope !== 'string') throw refused()
  const scopes = scope.split(' ').filter((one) => one !== '')
  if (scopes.length > MOST_SCOPES) throw refused()
  // RFC 9068 §2.2: with no user behind it, the subject of a token is its client.
  const isItself = client !== undefined && client === sub && act === undefined
  return Object.freeze({
    subject: isItself ? (`agent:${String(client)}` as const) : (principal.subject as `user:${string}`),
    actor: actorIn(act),
    chain,
    client: typeof client === 'string' ? client : undefined,
    scopes: new Set(scopes),
    tenant: principal.tenant,
    expires: new Date(exp * 1000),
    token,
    authenticated: isItself ? undefined : given,
  })
}

/** The outermost actor alone; the chain was checked before. */
function actorIn(act: unknown): DelegationActor | undefined {
  if (!isObject(act)) return undefined
  const { sub, iss } = act
  return { sub: String(sub), ...(typeof iss === 'string' ? { iss } : {}) }
}

function refused(): GuardError {
  return new GuardError('ERR_SUBJECT_INVALID', 'The token was refused.')
}
