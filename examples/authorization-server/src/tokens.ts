import { type CryptoKey, type JWK, jwtVerify, SignJWT } from 'jose'
import type { AccessToken, Adapter, Client, ClientCredentials, Provider } from 'oidc-provider'
import { defined, type Misbehaviour } from './misbehaviour.ts'
import type { Storage } from './storage.ts'
import type { Details, Resource } from './world.ts'

export interface SigningKey {
  readonly jwk: JWK & { readonly kid: string; readonly alg: string }
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
}

/** A token that this server issued and that is still good, or one like it from a server that it trusts. */
export interface Known {
  readonly user: string
  readonly client: string
  readonly scopes: readonly string[]
  readonly audience: readonly string[]
  readonly act: unknown
  readonly mayAct: unknown
}

export interface Issue {
  readonly client: Client
  readonly user: string
  readonly resource: string
  readonly server: Resource
  readonly scopes: readonly string[]
  readonly act?: unknown
  readonly mayAct?: unknown
  readonly details?: Details | undefined
  /** Thumbprint of the key that it is bound to (RFC 9449). */
  readonly jkt?: string | undefined
}

export interface Tokens {
  issue(provider: Provider, issue: Issue): Promise<{ value: string; token: AccessToken }>
  /** What a token says, if it was issued here and neither revoked nor out of time. */
  find(provider: Provider, value: string): Promise<Known | undefined>
  /** The id under which a token is kept: the server has the JWTs revoked and introspected by that. */
  idOf(value: string): Promise<string>
  sign(payload: Readonly<Record<string, unknown>>, type: string, seconds: number): Promise<string>
  /** For the configuration: the claims that a token has besides. */
  extraOf(token: AccessToken | ClientCredentials): Record<string, unknown> | undefined
  customize(
    token: AccessToken | ClientCredentials,
    parts: { payload: Record<string, unknown> },
    wrong: Misbehaviour,
  ): Promise<void>
}

export function createTokens(key: SigningKey, storage: Storage, issuer: () => string): Tokens {
  const extras = new WeakMap<object, Record<string, unknown>>()

  return {
    async issue(provider, { client, user, resource, server, scopes, act, mayAct, details, jkt }) {
      const token = new provider.AccessToken({
        client,
        accountId: user,
        // None: revoking one token is not to revoke those of other runs.
        grantId: '',
        gty: 'token-exchange',
        scope: scopes.join(' '),
        ...(details === undefined ? {} : { rar: [...details] }),
      })
      token.resourceServer = new provider.ResourceServer(resource, resourceServer(server))
      if (jkt !== undefined) token.setThumbprint('jkt', jkt)
      extras.set(token, defined({ act, may_act: mayAct }))
      return { value: await token.save(), token }
    },
    async find(provider, value) {
      const token = await provider.AccessToken.find(await this.idOf(value))
      if (token === undefined || !token.isValid) return undefined
      return {
        user: token.accountId,
        client: token.clientId ?? '',
        scopes: [...token.scopes],
        audience: [token.aud ?? []].flat(),
        act: token.extra?.['act'],
        mayAct: token.extra?.['may_act'],
      }
    },
    async idOf(value) {
      if (value.split('.').length !== 3) return value
      try {
        const { payload } = await jwtVerify(value, key.publicKey, { issuer: issuer(), typ: 'at+jwt' })
        return payload.jti ?? ''
      } catch {
        return ''
      }
    },
    sign: async (payload, type, seconds) =>
      await new SignJWT({ ...payload })
        .setProtectedHeader({ alg: key.jwk.alg, kid: key.jwk.kid, typ: type })
        .setIssuer(issuer())
        .setIssuedAt()
        .setExpirationTime(`${seconds}s`)
        .setJti(crypto.randomUUID())
        .sign(key.privateKey),
    extraOf: (token) => extras.get(token),
    async customize(token, { payload }, { claims }) {
      // JWTs are not kept by the provider; without this twin it could neither revoke nor introspect them.
      const twin: Adapter = storage.adapter(token.kind)
      const { jti, iat, exp } = payload as { jti: string; iat: number; exp: number }
      await twin.upsert(
        jti,
        {
          iat,
          exp,
          jti,
          kind: token.kind,
          clientId: token.clientId,
          aud: token.aud,
          scope: token.scope,
          ...('accountId' in token ? { accountId: token.accountId, grantId: token.grantId } : {}),
          ...(token.rar === undefined ? {} : { rar: token.rar }),
          ...(token.jkt === undefined ? {} : { jkt: token.jkt }),
          extra: { ...extras.get(token) },
        },
        exp - iat,
      )
      if (claims === undefined) return
      const changed = defined(claims(payload))
      for (const name of Object.keys(payload)) delete payload[name]
      Object.assign(payload, changed)
    },
  }
}

export function resourceServer({ scopes, format = 'jwt', seconds = 120 }: Resource): {
  scope: string
  accessTokenFormat: 'jwt' | 'opaque'
  accessTokenTTL: number
  jwt: { sign: { alg: 'ES256' } }
} {
  return {
    scope: scopes.join(' '),
    accessTokenFormat: format,
    accessTokenTTL: seconds,
    jwt: { sign: { alg: 'ES256' } },
  }
}
