import { type ObtainedToken, Secret, type TokenIssuer } from '@gatewright/runtime/credentials'
import { ConfigError, GuardError } from '@gatewright/runtime'
import { consentRequired, refused, unavailable } from './oauth/refusal.ts'

export interface WorkosOptions {
  readonly apiKey: Secret
  /** The client id of the WorkOS environment. */
  readonly client: string
  /** The provider whose token is wanted, as Pipes calls it: `github`, `salesforce`. */
  readonly provider: string
  /** Default `https://api.workos.com`. */
  readonly url?: string
  /** How long to wait for an answer, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number
  readonly dangerouslyAllowLoopback?: boolean
  readonly fetch?: typeof fetch
  readonly now?: () => Date
}

/**
 * A token of another provider that the user has connected, out of WorkOS Pipes.
 *
 * It is no exchange: the user is named by id (`user:user_01H…`), the tenant is the organisation, and the API key of the
 * environment is what may ask, so whoever holds that key may ask for any user. The token is the provider's own, as wide
 * as what the user connected: one with wider scopes than those of the contract is refused, and so is one that does not
 * say its scopes or never runs out. It names no agent, and nothing here can revoke it. A user who has not connected the provider gives `ERR_CONSENT_REQUIRED`.
 *
 * Tested against a strict imitation of the published request; not against WorkOS itself.
 */
export function workos(options: WorkosOptions): TokenIssuer {
  const { apiKey, client, provider, timeoutMs = 5000, now = () => new Date() } = options
  const base = URL.parse(options.url ?? 'https://api.workos.com')
  const isLocal = options.dangerouslyAllowLoopback === true && base?.hostname === '127.0.0.1'
  if (base === null || !(base.protocol === 'https:' || isLocal))
    throw new ConfigError('url', options.url, 'an https URL')
  const url = new URL(`/data-integrations/${encodeURIComponent(provider)}/token`, base)

  async function ask(body: object, signal: AbortSignal): Promise<Answer> {
    try {
      const response = await (options.fetch ?? fetch)(url, {
        method: 'POST',
        redirect: 'manual',
        headers: { authorization: `Bearer ${apiKey.reveal()}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      if (response.status >= 400 && response.status < 500 && response.status !== 429) throw refused('refused')
      if (response.status !== 200) throw unavailable()
      return (await response.json()) as Answer
    } catch (error) {
      signal.throwIfAborted()
      throw GuardError.isInstance(error) ? error : unavailable()
    }
  }

  return {
    name: 'workos',
    issuer: base.origin,
    client,
    capabilities: {
      revokes: false,
      introspects: false,
      dpop: false,
      withoutUser: false,
      opaque: 'trusted-response',
    },
    async obtain({ subject, tenant }, { signal }): Promise<ObtainedToken> {
      if (subject === undefined) throw refused('no-user')
      const answer = await ask(
        {
          user_id: subject.replace(/^user:/, ''),
          ...(tenant === undefined ? {} : { organization_id: tenant }),
        },
        signal,
      )
      if (answer.active !== true) {
        if (answer.error === 'not_installed' || answer.error === 'needs_reauthorization')
          throw consentRequired()
        throw refused('refused')
      }
      const { access_token: value, expires_at: expires, scopes } = answer.access_token ?? {}
      if (typeof value !== 'string' || value === '') throw unavailable()
      // Nobody was asked for fewer, so silence cannot mean: as asked.
      if (!Array.isArray(scopes)) throw refused('scope')
      return {
        token: new Secret(value),
        tokenType: 'bearer',
        scopes: scopes.map(String),
        // A provider whose tokens never run out has none: without it the broker refuses.
        expires: typeof expires === 'string' ? new Date(expires) : new Date(now().getTime() - 1),
        claims: undefined,
      }
    },
  }
}

interface Answer {
  readonly active?: unknown
  readonly error?: unknown
  readonly access_token?: {
    readonly access_token?: unknown
    readonly expires_at?: unknown
    readonly scopes?: unknown
  }
}
