import { ConfigError } from '@gatewright/runtime'
import {
  CredentialError,
  type CredentialRequest,
  type IssuerCall,
  type ObtainedToken,
  type TokenIssuer,
} from '@gatewright/runtime/credentials'
import type { Store } from '@gatewright/runtime/store'
import * as oidc from 'openid-client'
import { type Answer, type Pending, pendingConsents } from './consent/pending.ts'
import { type ClientOptions, openClient } from './oauth/open-client.ts'

export interface ConsentOptions {
  /** The authorization server at which users consent, and the agent's client there. */
  readonly client: ClientOptions
  /** Where requests wait: shared with whichever process serves the callback. */
  readonly store: Store
  /** Where the server sends the user's browser back to, as registered there: an https URL. */
  readonly redirectUri: string
  /** How long a link is good for, in milliseconds. Default ten minutes. */
  readonly lastsMs?: number
  /**
   * How long a call waits for the user, in milliseconds. Default 0: it fails at once with the link. The broker's own
   * `timeoutMs` has to be longer.
   */
  readonly waitMs?: number
  /** Show the link in the user's own session: never to the model, in a log, or to anybody else. */
  readonly onLink?: (asked: ConsentAsked) => void | Promise<void>
  /** What `sub` has to be for a user. Default: the name after `user:`. */
  readonly subject?: (user: `user:${string}`) => string
  readonly now?: () => Date
}

export interface ConsentAsked {
  readonly subject: `user:${string}`
  readonly run: string
  readonly session: string | undefined
  readonly link: string
  readonly expires: Date
}

export interface Consent {
  /** The same issuer, asking the user where they have not agreed yet, or have to authenticate again. */
  for(issuer: TokenIssuer): TokenIssuer
  /**
   * Answer the request with which the user's browser comes back: a GET of the redirect URI.
   *
   * `user` is who is signed in to the application in this browser, by its own session. It has to be the user of the
   * run, and the one who consented at the server: a link that somebody else was lured into opening grants nothing.
   * Every other answer than yes is told in the status (400, 403), and in no more words.
   */
  callback(request: Request, user: `user:${string}`): Promise<Response>
}

const LASTS_MS = 600_000
const LONGEST_STATE = 200
const ASKABLE: ReadonlySet<string> = new Set(['ERR_CONSENT_REQUIRED', 'ERR_INTERACTION_REQUIRED'])

/**
 * Ask users to agree to what an agent wants to do for them: authorization code with PKCE (RFC 7636), state, nonce, and
 * the issuer in the response (RFC 9207). What comes of it is the grant at the server; the tokens are dropped at once.
 *
 * @throws {ConfigError} For an issuer or a redirect URI that is no https URL.
 */
export function consent(options: ConsentOptions): Consent {
  const { store, waitMs = 0, lastsMs = LASTS_MS, onLink, now = () => new Date() } = options
  const { redirectUri, subject: subjectOf = (user) => user.slice('user:'.length) } = options
  // That of the ID token is who consented: it is verified, though it comes over TLS.
  const client = openClient(options.client, { execute: [oidc.enableNonRepudiationChecks] })
  const expected = client.allowed(redirectUri, 'redirectUri')
  if (waitMs > lastsMs) throw new ConfigError('waitMs', waitMs, 'no more than lastsMs')
  const waiting = pendingConsents(store, { lastsMs })

  async function ask(
    request: CredentialRequest & { readonly subject: `user:${string}` },
    claims: string | undefined,
    call: IssuerCall,
  ): Promise<ConsentAsked & { readonly state: string }> {
    const [state, nonce, verifier] = [oidc.randomState(), oidc.randomNonce(), oidc.randomPKCECodeVerifier()]
    const expires = new Date(now().getTime() + lastsMs)
    const { subject, run, session, scopes } = request
    const resource = request.resource ?? request.audience
    const pending: Pending = { subject, run, verifier, nonce, resource, scopes, expires: expires.getTime() }
    await waiting.add(state, pending, call)
    const parameters = {
      redirect_uri: redirectUri,
      scope: ['openid', ...scopes].join(' '),
      resource,
      state,
      nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      prompt: 'consent',
      ...(claims === undefined ? {} : { claims }),
    }
    const link = await client.call(async (config) => oidc.buildAuthorizationUrl(config, parameters), call)
    client.allowed(link.href, 'metadata.authorization_endpoint')
    return { state, subject, run, session, link: link.href, expires }
  }

  async function obtain(
    issuer: TokenIssuer,
    request: CredentialRequest,
    call: IssuerCall,
  ): Promise<ObtainedToken> {
    let wanted: CredentialError
    try {
      return await issuer.obtain(request, call)
    } catch (error) {
      if (!(error instanceof CredentialError && ASKABLE.has(error.code) && isOfUser(request))) throw error
      wanted = error
    }
    if (!isOfUser(request)) throw wanted
    const { state, ...asked } = await ask(request, wanted.claims, call)
    await onLink?.(asked)
    if (waitMs === 0) throw withLink(wanted, asked.link)
    const until = AbortSignal.any([call.signal, AbortSignal.timeout(waitMs)])
    const answer = await waiting.answered(state, { signal: until })
    call.signal.throwIfAborted()
    if (answer === 'granted') return await issuer.obtain(request, call)
    if (answer === 'refused')
      throw new CredentialError('ERR_CREDENTIAL', 'The user did not allow this.', { reason: 'access_denied' })
    throw withLink(wanted, asked.link)
  }

  /** Who consented, by the server's word for it; undefined if they said no. */
  async function consented(
    url: URL,
    state: string,
    pending: Pending,
    call: IssuerCall,
  ): Promise<string | undefined> {
    if (url.searchParams.get('error') === 'access_denied') return undefined
    const checks = {
      expectedState: state,
      expectedNonce: pending.nonce,
      pkceCodeVerifier: pending.verifier,
      idTokenExpected: true,
    }
    return await client.call(async (config) => {
      const answer = await oidc.authorizationCodeGrant(config, url, checks, { resource: pending.resource })
      // Wider than what one call needs: the grant is what was wanted, and each call exchanges for its own.
      for (const token of [answer.access_token, answer.refresh_token])
        if (token !== undefined) await oidc.tokenRevocation(config, token).catch(() => {})
      return answer.claims()?.sub
    }, call)
  }

  return {
    for(issuer) {
      const { name, issuer: id, client: clientId, capabilities, dpopKey } = issuer
      return {
        name,
        issuer: id,
        client: clientId,
        capabilities,
        ...(dpopKey === undefined ? {} : { dpopKey }),
        obtain: async (request, call) => obtain(issuer, request, call),
        ...(issuer.revoke === undefined ? {} : { revoke: issuer.revoke.bind(issuer) }),
        ...(issuer.introspect === undefined ? {} : { introspect: issuer.introspect.bind(issuer) }),
        ...(issuer.endDelegation === undefined ? {} : { endDelegation: issuer.endDelegation.bind(issuer) }),
      }
    },
    async callback(request, user) {
      const { signal } = request
      const url = new URL(request.url)
      const state = url.searchParams.get('state') ?? ''
      // Behind a proxy the host differs from what the browser saw; the path does not.
      if (request.method !== 'GET' || url.pathname !== expected.pathname || state.length > LONGEST_STATE)
        return page(400, REFUSED)
      const pending = await waiting.take(state, { signal })
      if (pending === undefined || pending.expires <= now().getTime()) return page(400, REFUSED)
      const conclude = async (answer: Answer): Promise<void> => waiting.answer(state, answer, { signal })
      if (pending.subject !== user) {
        await conclude('refused')
        return page(403, OTHER)
      }
      let sub
      try {
        sub = await consented(new URL(url.search, expected), state, pending, { signal })
      } catch {
        signal.throwIfAborted()
        await conclude('refused')
        return page(400, REFUSED)
      }
      if (sub === undefined) {
        await conclude('refused')
        return page(200, DECLINED)
      }
      if (sub !== subjectOf(pending.subject)) {
        await conclude('refused')
        return page(403, OTHER)
      }
      await conclude('granted')
      return page(200, DONE)
    },
  }
}

const DONE = 'Thank you. You can close this window.'
const DECLINED = 'Nothing was allowed. You can close this window.'
const REFUSED = 'This request is not valid, or no longer. Nothing was allowed.'
const OTHER = 'This request is for another user. Nothing was allowed.'

// Words of ours alone: what stands in the URL is whoever's.
function page(status: number, words: string): Response {
  return new Response(`${words}\n`, {
    status,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    },
  })
}

function isOfUser(
  request: CredentialRequest,
): request is CredentialRequest & { readonly subject: `user:${string}` } {
  return request.subject?.startsWith('user:') === true
}

function withLink({ code, message, reason, claims }: CredentialError, link: string): CredentialError {
  return new CredentialError(code as 'ERR_CONSENT_REQUIRED', message, {
    link,
    ...(reason === undefined ? {} : { reason }),
    ...(claims === undefined ? {} : { claims }),
  })
}
