import type { CredentialContext, TokenCredentials, ToolCredentials } from './contract/contract.ts'
import type { CallCredential, CredentialOwner, CredentialRequest, RunBehind } from './credentials/source.ts'
import { refusal } from './decide.ts'
import { CredentialError, GuardError, UnavailableError } from './errors.ts'
import { mutableCopy, type Json } from './json/plain.ts'
import type { Place } from './json/path.ts'
import type { Awaitable } from './policy/decision.ts'
import { credentialRefusal, REFUSAL } from './refuse.ts'
import { isUser } from './principal.ts'
import type { RunState } from './run-state.ts'
import type { GuardedTool } from './tool.ts'

/**
 * Get what a contract asks for, for the input that was decided on.
 *
 * @throws {CredentialError} If there is none to be had, or the contract's own function for scopes fails.
 */
export function obtainCredential(
  run: RunState,
  tool: GuardedTool,
  wanted: ToolCredentials,
  input: Json,
  signal: AbortSignal,
): Awaitable<CallCredential> {
  const { credentials } = run.guard
  const owner = ownerOf(run)
  if ('secret' in wanted) {
    if (credentials?.key === undefined) throw noSource()
    return credentials.key(
      { ...owner, tool: tool.name, secret: wanted.secret, origin: wanted.origin },
      { signal },
    )
  }
  if (credentials === undefined) throw noSource()
  return credentials.issue(requestOf(run, owner, tool, wanted, input), { signal })
}

function ownerOf({ principal, actor, id, session, parent }: RunState): CredentialOwner {
  const subject = isUser(principal.subject) ? principal.subject : undefined
  const owner = { subject, actor, tenant: principal.tenant, run: id, session }
  return parent === undefined ? owner : { ...owner, behind: runsBehind(parent) }
}

function runsBehind({ actor: agent, id, session, parent }: RunState): readonly RunBehind[] {
  const own = { agent, run: id, ...(session === undefined ? {} : { session }) }
  return parent === undefined ? [own] : [own, ...runsBehind(parent)]
}

function requestOf(
  run: RunState,
  owner: CredentialOwner,
  tool: GuardedTool,
  wanted: TokenCredentials,
  input: Json,
): CredentialRequest {
  const { audience, scopes, resource, authorizationDetails } = wanted
  const context: CredentialContext = { principal: run.principal, now: run.guard.now() }
  const computed = <T>(of: Computed<T>): T =>
    typeof of === 'function'
      ? (of as (...given: [object, CredentialContext]) => T)(deciding(input, tool), context)
      : of
  return {
    ...owner,
    tool: tool.name,
    audience,
    scopes: texts(computed(scopes)),
    resource,
    authorizationDetails: computed(authorizationDetails),
    subjectToken: run.subjectToken,
    delegation: run.delegation,
    authenticationContext: run.authenticationContext,
  }
}

type Computed<T> = T | ((input: Record<string, Json>, context: CredentialContext) => T)

const HIDDEN = Symbol('content')

/**
 * The input as scopes may depend on it: an argument that only carries words throws when it is read, since nobody
 * attests words, and whoever wrote them would choose what the token may do.
 */
function deciding(input: Json, { contract }: GuardedTool): object {
  const part = (value: Json, place: Place): unknown => {
    const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
    if (entries.length === 0)
      return contract.argumentAt(place).role === 'content' ? HIDDEN : mutableCopy(value)
    const out: object = Array.isArray(value) ? [] : {}
    let isAllHidden = true
    for (const [key, item] of entries) {
      const own = part(item as Json, [...place, Array.isArray(value) ? Number(key) : key])
      isAllHidden &&= own === HIDDEN
      const property = own === HIDDEN ? { get: refuseContent } : { value: own, writable: true }
      Object.defineProperty(out, key, { ...property, enumerable: true, configurable: true })
    }
    // The names and the number of its parts say something too.
    return isAllHidden && place.length > 0 ? HIDDEN : out
  }
  const all = part(input, [])
  return typeof all === 'object' && all !== null ? all : {}
}

function refuseContent(): never {
  throw new CredentialError(
    'ERR_CREDENTIAL',
    'The scopes of this call depend on an argument that is content.',
    {
      reason: 'scopes',
    },
  )
}

// No scope at all would be whatever the server gives by default; a space in one would be two of them.
function texts(scopes: readonly string[]): readonly string[] {
  // RFC 6749 §3.3.
  const isScope = (one: unknown): boolean =>
    typeof one === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(one)
  if (Array.isArray(scopes) && scopes.length > 0 && scopes.every(isScope)) return scopes
  throw new CredentialError('ERR_CREDENTIAL', 'The scopes of this call are not a list of scopes.', {
    reason: 'scopes',
  })
}

function noSource(): CredentialError {
  return new CredentialError('ERR_CREDENTIAL', 'This guard has no source of credentials.', {
    reason: 'source',
  })
}

/** Why a call gets no credential, in the words that a model may read. */
export function noCredential(error: unknown): GuardError {
  const decision = refusal('credential', 'no-credential', 'No token could be got for this call.')
  if (error instanceof CredentialError) return credentialRefusal(error, decision)
  if (error instanceof UnavailableError)
    return new UnavailableError(error.code, REFUSAL, { cause: error, decision })
  return new CredentialError('ERR_CREDENTIAL', REFUSAL, { cause: error, decision })
}
