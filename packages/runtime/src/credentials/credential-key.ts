import { createHash } from 'node:crypto'
import { canonicalJson, type Json } from '../json/plain.ts'
import type { TokenIssuer } from './issuer.ts'
import type { Secret } from './secret.ts'
import type { CredentialRequest } from './source.ts'

const digests = new WeakMap<Secret, string>()
const marks = new WeakMap<object, number>()
let marked = 0

/**
 * What two requests must have in common for one token to serve both: everything that the token stands for, and the
 * run. A token is never shared by two runs, since each is revoked with its own.
 */
export function credentialKey(request: CredentialRequest, issuer: TokenIssuer): string {
  const { scopes, authorizationDetails, subjectToken } = request
  return JSON.stringify([
    request.tenant,
    request.run,
    request.session,
    request.subject,
    // Two tokens of one user may come from two logins, with rights of their own.
    subjectToken === undefined ? 0 : digestOf(subjectToken),
    request.actor,
    request.delegation,
    markOf(issuer),
    issuer.client,
    request.audience,
    request.resource,
    scopes.length < 2 ? scopes : scopes.toSorted(),
    authorizationDetails === undefined ? 0 : canonicalJson(authorizationDetails as Json),
    issuer.dpopKey,
    request.authenticationContext,
  ])
}

function digestOf(token: Secret): string {
  let digest = digests.get(token)
  if (digest === undefined) {
    digest = createHash('sha256').update(token.reveal()).digest('base64')
    digests.set(token, digest)
  }
  return digest
}

function markOf(thing: object): number {
  let mark = marks.get(thing)
  if (mark === undefined) {
    marked += 1
    mark = marked
    marks.set(thing, mark)
  }
  return mark
}
