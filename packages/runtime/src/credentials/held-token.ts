import { createHash } from 'node:crypto'
import type { CheckedToken } from './check-obtained.ts'
import type { TokenIssuer } from './issuer.ts'
import type { Ended } from './revoke.ts'
import type { Secret } from './secret.ts'
import type { CallCredential, CredentialOwner, CredentialRequest, RunBehind } from './source.ts'

/**
 * Where a token stands: `live` may be handed out; `dropped` is handed out no more, and still exists at its issuer;
 * `revoked` is confirmed to be gone; `not-confirmed` should be, and nothing says that it is.
 */
export type CredentialState = 'live' | 'dropped' | 'revoked' | 'not-confirmed'

/** A token that exists, without its value. Plain JSON. */
export interface LiveCredential {
  /** The beginning of the SHA-256 (hex) of the token, by which an issuer's log can be searched. */
  readonly id: string
  readonly issuer: string
  readonly client: string
  /** For whom; left out where the agent acts for itself. */
  readonly subject?: string
  readonly agent: string
  readonly tenant?: string
  readonly run: string
  readonly session?: string
  /** The runs for which the run acts, nearest first, where its agent acts for another. */
  readonly behind?: readonly RunBehind[]
  readonly audience: string
  readonly scopes: readonly string[]
  readonly tokenType: 'bearer' | 'dpop'
  /** The process whose memory holds it: host, process id, and a mark of this start of it. */
  readonly heldBy: string
  /** ISO 8601. */
  readonly obtained: string
  readonly expires: string
  /** How it is ended before it expires: at the issuer's revocation endpoint (RFC 7009), or not at all. */
  readonly revocation: 'issuer' | 'expiry'
  readonly state: CredentialState
}

/** A token in this process's memory. */
export interface HeldToken {
  readonly key: string
  readonly id: string
  readonly owner: CredentialOwner
  readonly issuer: TokenIssuer
  /** Undefined once it is of no more use to anybody. */
  token: Secret | undefined
  readonly credential: CallCredential
  readonly facts: Omit<LiveCredential, 'state'>
  /** Milliseconds since 1970: handed out until then. */
  readonly until: number
  readonly expires: number
  /** It lives longer than it may: it has to be revoked at the limit. */
  readonly outlives: boolean
  state: CredentialState
  ending: Promise<Ended> | undefined
  timer: NodeJS.Timeout | undefined
}

export interface HoldOptions {
  readonly key: string
  readonly issuer: TokenIssuer
  readonly heldBy: string
  readonly now: Date
  readonly maxLifetimeMs: number
  readonly marginMs: number
  /** The resource server refused it. */
  readonly refused: (token: HeldToken) => void
}

/** Make of a token that was checked one that can be handed out. */
export function holdToken(
  { token, tokenType, scopes, expires, prove }: CheckedToken,
  request: CredentialRequest,
  { key, issuer, heldBy, now, maxLifetimeMs, marginMs, refused }: HoldOptions,
): HeldToken {
  const { subject, actor, tenant, run, session, behind, audience } = request
  const at = now.getTime()
  const limit = Math.min(expires.getTime(), at + maxLifetimeMs)
  const id = tokenId(token)
  const held: HeldToken = {
    key,
    id,
    owner: { subject, actor, tenant, run, session, behind },
    issuer,
    token,
    credential: {
      audience,
      expires: new Date(limit),
      tokenType,
      token: () => token.reveal(),
      ...(prove === undefined ? {} : { prove }),
      refused: () => refused(held),
    },
    facts: {
      id,
      issuer: issuer.name,
      client: issuer.client,
      ...(subject === undefined ? {} : { subject }),
      agent: actor,
      ...(tenant === undefined ? {} : { tenant }),
      run,
      ...(session === undefined ? {} : { session }),
      ...(behind === undefined ? {} : { behind }),
      audience,
      scopes,
      tokenType,
      heldBy,
      obtained: now.toISOString(),
      expires: expires.toISOString(),
      revocation: issuer.capabilities.revokes && issuer.revoke !== undefined ? 'issuer' : 'expiry',
    },
    // A short life is not all margin.
    until: limit - Math.min(marginMs, (limit - at) / 4),
    expires: expires.getTime(),
    outlives: expires.getTime() > limit,
    state: 'dropped',
    ending: undefined,
    timer: undefined,
  }
  return held
}

export function liveCredential({ facts, state }: HeldToken): LiveCredential {
  return { ...facts, state }
}

/** The name of a token that may be written down: nobody finds a token by it. */
function tokenId(token: Secret): string {
  return createHash('sha256').update(token.reveal()).digest('hex').slice(0, 16)
}
