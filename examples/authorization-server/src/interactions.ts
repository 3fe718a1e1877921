import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import type { World } from './world.ts'

/** The pages at which a user signs in and says yes: plain forms, for people and for tests alike. */
export async function interact(
  provider: Provider,
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response)
  if (request.method !== 'POST') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
    response.end(prompt.name === 'login' ? SIGN_IN : consentPage(String(params['client_id']), prompt.details))
    return
  }
  const form = new URLSearchParams(await textOf(request))
  if (prompt.name === 'login') {
    const user = form.get('user') ?? ''
    if (!Object.hasOwn(world.users, user) || world.users[user]?.password !== form.get('password')) {
      response.writeHead(403).end('Wrong name or password.')
      return
    }
    await provider.interactionFinished(request, response, { login: { accountId: user } })
    return
  }
  if (form.get('answer') !== 'yes') {
    const denied = { error: 'access_denied', error_description: 'The user said no.' }
    await provider.interactionFinished(request, response, denied)
    return
  }
  const known = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  const grant =
    known ?? new provider.Grant({ accountId: session?.accountId, clientId: String(params['client_id']) })
  const details = prompt.details as Missing
  if (details.missingOIDCScope !== undefined) grant.addOIDCScope(details.missingOIDCScope)
  for (const [resource, scopes] of Object.entries(details.missingResourceScopes ?? {}))
    grant.addResourceScope(resource, scopes)
  await provider.interactionFinished(
    request,
    response,
    { consent: { grantId: await grant.save() } },
    { mergeWithLastSubmission: true },
  )
}

interface Missing {
  readonly missingOIDCScope?: string[]
  readonly missingResourceScopes?: Readonly<Record<string, string[]>>
}

const SIGN_IN =
  '<!doctype html><title>Sign in</title><form method="post"><label>Name <input name="user"></label> ' +
  '<label>Password <input name="password" type="password"></label> <button>Sign in</button></form>'

function consentPage(client: string, details: unknown): string {
  const missing = Object.entries((details as Missing).missingResourceScopes ?? {})
  const wanted = missing.map(([resource, scopes]) => `${scopes.join(', ')} at ${resource}`)
  return (
    `<!doctype html><title>Allow</title><form method="post"><p>${escaped(client)} wants to act for you: ` +
    `${escaped(wanted.join('; '))}</p><button name="answer" value="yes">Allow</button> ` +
    '<button name="answer" value="no">Refuse</button></form>'
  )
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

export async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
