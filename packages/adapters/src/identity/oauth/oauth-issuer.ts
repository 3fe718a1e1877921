import {
  type CredentialRequest,
  type DelegationScope,
  type IssuerCall,
  type IssuerCapabilities,
  type ObtainedToken,
  Secret,
  type TokenClaims,
  type TokenIssuer,
} from '@gatewright/runtime/credentials'
import * as oidc from 'openid-client'
import type { DpopKey } from './dpop-key.ts'
import type { OpenClient } from './open-client.ts'
import { refused } from './refusal.ts'
import { type Json, payloadOf, scopesOf, standardClaims } from './token-claims.ts'

/** Where a vendor's server differs from the others. */
export interface Profile {
  readonly name: string
  readonly grant: string
  readonly capabilities: Partial<IssuerCapabilities>
  /** What is asked for, besides who asks. A list is sent as a parameter that repeats. */
  parameters(request: CredentialRequest, call: IssuerCall): Parameters | Promise<Parameters>
  /** The claims as the vendor spells them. Default: as RFC 9068 and RFC 8693 do. */
  readonly claims?: (payload: Json) => TokenClaims
  /** The request names no scopes, so an answer that says none is refused. Default false: it means as asked (RFC 6749 §5.1). */
  readonly mustSayScopes?: boolean
  /** The scopes of the answer, as they were asked for. Default: names with spaces between. */
  readonly scopes?: (scope: string, request: CredentialRequest) => readonly string[]
}

export type Parameters = Readonly<Record<string, string | readonly string[] | undefined>>

export interface IssuerParts {
  readonly client: OpenClient
  readonly dpop?: DpopKey | undefined
  readonly now?: (() => Date) | undefined
  readonly endDelegation?: EndDelegation | undefined
}

/**
 * The server's own way to refuse new tokens: a revoked one can be exchanged for again otherwise, as long as the
 * user's own token lives. Resolves with false where there is none for this kind of scope.
 */
export type EndDelegation = (scope: DelegationScope, call: IssuerCall) => Promise<boolean>

/** A driver for a server that speaks OAuth, with what is peculiar to it in a profile. */
export function oauthIssuer(profile: Profile, parts: IssuerParts): TokenIssuer {
  const { client, dpop, now = () => new Date(), endDelegation } = parts
  const capabilities: IssuerCapabilities = {
    revokes: true,
    introspects: true,
    withoutUser: false,
    opaque: 'introspected',
    ...profile.capabilities,
    dpop: dpop !== undefined,
  }
  const read = profile.claims ?? standardClaims

  async function claimsOf(token: string, call: IssuerCall): Promise<TokenClaims | undefined> {
    const payload = payloadOf(token)
    if (payload !== undefined) return read(payload)
    if (capabilities.opaque !== 'introspected') return undefined
    const found = await client.call(async (config) => oidc.tokenIntrospection(config, token), call)
    return found.active ? read(found) : undefined
  }

  return {
    name: profile.name,
    issuer: client.issuer,
    client: client.client,
    capabilities,
    ...(dpop === undefined ? {} : { dpopKey: dpop.thumbprint }),

    async obtain(request, call): Promise<ObtainedToken> {
      if (request.subject === undefined && !capabilities.withoutUser) throw refused('no-user')
      const form = formOf(await profile.parameters(request, call))
      const sent = now().getTime()
      const answer = await client.call(async (config) => {
        const options = dpop === undefined ? {} : { DPoP: oidc.getDPoPHandle(config, dpop.pair) }
        return oidc.genericGrantRequest(config, profile.grant, form, options)
      }, call)
      const { access_token: value, token_type: type, expires_in: seconds, scope } = answer
      if (scope === undefined && profile.mustSayScopes === true) throw refused('scope')
      const token = new Secret(value)
      const claims = await claimsOf(value, call)
      const ends = seconds === undefined ? (claims?.exp ?? Number.NaN) * 1000 : sent + seconds * 1000
      return {
        token,
        // `checkObtained` refuses any other.
        tokenType: type as ObtainedToken['tokenType'],
        issuedTokenType: answer['issued_token_type'] as string | undefined,
        scopes: scope === undefined ? undefined : (profile.scopes ?? scopesIn)(scope, request),
        expires: new Date(ends),
        authorizationDetails: answer.authorization_details as ObtainedToken['authorizationDetails'],
        claims,
        ...(dpop === undefined
          ? {}
          : { prove: async (method, url, nonce) => dpop.prove({ method, url, token: value, nonce }) }),
      }
    },
    ...(capabilities.revokes
      ? {
          async revoke(token: Secret, call: IssuerCall): Promise<void> {
            await client.call(async (config) => oidc.tokenRevocation(config, token.reveal(), HINT), call)
          },
        }
      : {}),
    ...(capabilities.introspects
      ? {
          async introspect(token: Secret, call: IssuerCall): Promise<{ active: boolean }> {
            const asked = async (config: oidc.Configuration): Promise<oidc.IntrospectionResponse> =>
              oidc.tokenIntrospection(config, token.reveal(), HINT)
            const { active } = await client.call(asked, call)
            return { active }
          },
        }
      : {}),
    ...(endDelegation === undefined ? {} : { endDelegation }),
  }
}

const HINT = { token_type_hint: 'access_token' }

function scopesIn(scope: string): readonly string[] {
  return scopesOf(scope) ?? []
}

/** @throws {CredentialError} If the user's token is missing. */
export function subjectTokenOf({ subjectToken }: CredentialRequest): string {
  if (subjectToken === undefined) throw refused('no-subject-token')
  return subjectToken.reveal()
}

/** What any grant can be asked: scopes (RFC 6749 §3.3) and details (RFC 9396 §6). */
export function commonParameters({ scopes, authorizationDetails }: CredentialRequest): Parameters {
  return {
    scope: scopes.join(' '),
    authorization_details:
      authorizationDetails === undefined ? undefined : JSON.stringify(authorizationDetails),
  }
}

function formOf(parameters: Parameters): URLSearchParams {
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters))
    for (const one of [value ?? []].flat()) if (one !== '') form.append(name, one)
  return form
}
