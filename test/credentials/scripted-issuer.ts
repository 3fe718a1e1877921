import { randomUUID } from 'node:crypto'
import type {
  CredentialRequest,
  DelegationScope,
  IssuerCapabilities,
  ObtainedToken,
  TokenIssuer,
} from '@gatewright/runtime/credentials'
import { Secret } from '@gatewright/runtime/credentials'

export interface ScriptedIssuerOptions {
  readonly now?: () => Date
  readonly lifeMs?: number
  readonly capabilities?: Partial<IssuerCapabilities>
  /** What the server answers instead of what it should. */
  readonly answer?: (right: ObtainedToken, request: CredentialRequest) => unknown
  /** What has to happen before the server answers. It does not listen to the signal. */
  readonly before?: (request: CredentialRequest, signal: AbortSignal) => Promise<void>
  readonly token?: (request: CredentialRequest) => string
  readonly without?: readonly ('revoke' | 'introspect' | 'endDelegation')[]
  readonly revoking?: () => Promise<void>
}

/** An issuer in this process that does as it is asked, remembers what it was asked, and can be made to misbehave. */
export interface ScriptedIssuer extends TokenIssuer {
  readonly asked: CredentialRequest[]
  /** Whether each token, by value, is still active. */
  readonly tokens: Map<string, { active: boolean; readonly request: CredentialRequest }>
  readonly ended: DelegationScope[]
}

export const AUDIENCE = 'https://orders.example'

export function scriptedIssuer(options: ScriptedIssuerOptions = {}): ScriptedIssuer {
  const { now = () => new Date(), lifeMs = 300_000, without = [] } = options
  const asked: CredentialRequest[] = []
  const tokens: ScriptedIssuer['tokens'] = new Map()
  const ended: DelegationScope[] = []
  const issuer: ScriptedIssuer = {
    name: 'scripted',
    issuer: 'https://as.example',
    client: 'support-client',
    capabilities: {
      revokes: true,
      introspects: true,
      dpop: false,
      withoutUser: true,
      opaque: 'none',
      ...options.capabilities,
    },
    asked,
    tokens,
    ended,
    async obtain(request, { signal }) {
      asked.push(request)
      await options.before?.(request, signal)
      const value = options.token?.(request) ?? `CANARY.${randomUUID()}`
      tokens.set(value, { active: true, request })
      const { audience, scopes, subject } = request
      const sub = subject?.slice('user:'.length) ?? 'support-client'
      const seconds = Math.floor(now().getTime() / 1000)
      const right: ObtainedToken = {
        token: new Secret(value),
        tokenType: 'bearer',
        scopes,
        expires: new Date(now().getTime() + lifeMs),
        ...(request.authorizationDetails && { authorizationDetails: request.authorizationDetails }),
        claims: {
          iss: 'https://as.example',
          sub,
          ...(subject === undefined ? {} : { act: { sub: 'support-client' } }),
          aud: [audience],
          scope: scopes,
          iat: seconds,
          exp: seconds + lifeMs / 1000,
        },
      }
      return (options.answer?.(right, request) ?? right) as ObtainedToken
    },
    async revoke(token) {
      await options.revoking?.()
      const known = tokens.get(token.reveal())
      if (known !== undefined) known.active = false
    },
    async introspect(token) {
      return { active: tokens.get(token.reveal())?.active ?? false }
    },
    async endDelegation(scope) {
      ended.push(scope)
      return true
    },
  }
  for (const name of without) delete (issuer as Partial<Record<typeof name, unknown>>)[name]
  return issuer
}

export function requested(over: Partial<CredentialRequest> = {}): CredentialRequest {
  return {
    subject: 'user:alice',
    actor: 'agent:support@1',
    tenant: 'acme',
    run: 'r1',
    session: 's1',
    audience: AUDIENCE,
    scopes: ['orders:read'],
    subjectToken: undefined,
    delegation: [],
    tool: 'lookupOrder',
    ...over,
  }
}
