import { UnavailableError } from '../errors.ts'
import { ANYONE } from '../label/label.ts'
import type { PrincipalId } from '../principal.ts'
import { consult, isThenable } from './consult.ts'
import type { Awaitable, Reason } from './decision.ts'

/** May this principal do this to that? */
export interface AuthorityQuestion {
  readonly principal: PrincipalId
  readonly action: string
  readonly resource: { readonly type: string; readonly id: string }
  readonly tenant?: string
  readonly attributes?: Readonly<Record<string, string | number | boolean>>
}

export interface AuthorityAnswer {
  readonly allowed: boolean
  /** For people and the audit. Never shown to the model. */
  readonly reason: string
}

/** Knows what each principal may do: roles and relations in memory, or a server. Silence is a no. */
export interface Authority {
  authorize(question: AuthorityQuestion, options: { signal: AbortSignal }): Awaitable<AuthorityAnswer>
}

/** Whose authority a call needs. */
export interface Parties {
  readonly subject: PrincipalId
  readonly actor: PrincipalId
  /** The agents for which the actor acts in turn: a sub-agent may do nothing that they may not. */
  readonly delegators?: readonly PrincipalId[]
  /** Where the contract asks for it: every untrusted author of what led to the call. */
  readonly authors?: readonly PrincipalId[]
}

type Part = 'subject' | 'actor' | 'delegator' | 'author'

const AUTHORIZED: Reason = Object.freeze({
  step: 'authority',
  rule: 'authorized',
  outcome: 'permit',
  text: 'Everyone whose authority the call needs has it.',
})

/**
 * Whether all of them may do it: user ∩ agent, ∩ every agent behind it, and ∩ every author that was named. Stops at the first who may not.
 *
 * `anyone` is never asked about: unauthenticated content has no authority, whatever is public.
 *
 * @throws {UnavailableError} `ERR_AUTHORITY_UNAVAILABLE`, as a throw or a rejection, if the authority throws,
 * gives something else than an answer, or has not answered when `signal` aborts.
 */
export function effective(
  authority: Authority,
  parties: Parties,
  question: Omit<AuthorityQuestion, 'principal'>,
  options: { signal: AbortSignal },
): Awaitable<Reason> {
  const asked: readonly (readonly [Part, PrincipalId])[] = [
    ['subject', parties.subject],
    ['actor', parties.actor],
    ...[...new Set(parties.delegators)].map((delegator) => ['delegator', delegator] as const),
    ...[...new Set(parties.authors)].map((author) => ['author', author] as const),
  ]
  const ask = (position: number): Awaitable<Reason> => {
    for (let i = position; i < asked.length; i += 1) {
      const [part, principal] = asked[i] as readonly [Part, PrincipalId]
      const refusal = refusalOf(authority, part, { ...question, principal }, options)
      if (isThenable(refusal)) return refusal.then((denied) => denied ?? ask(i + 1))
      if (refusal !== undefined) return refusal
    }
    return AUTHORIZED
  }
  return ask(0)
}

function refusalOf(
  authority: Authority,
  part: Part,
  question: AuthorityQuestion,
  options: { signal: AbortSignal },
): Awaitable<Reason | undefined> {
  if (question.principal === ANYONE) return lacking(part, ANYONE, 'unauthenticated')
  return consult(
    () => authority.authorize(question, options),
    (answer) => {
      // `true` and nothing else: an answer of another shape must not read as a yes.
      if (typeof answer?.allowed !== 'boolean')
        throw new TypeError('The authority gave something else than an answer.')
      return answer.allowed ? undefined : lacking(part, question.principal, String(answer.reason))
    },
    (cause) =>
      new UnavailableError('ERR_AUTHORITY_UNAVAILABLE', 'The authority could not be asked.', { cause }),
    options.signal,
  )
}

function lacking(part: Part, principal: PrincipalId, why: string): Reason {
  const text = `The ${part} ${principal} may not do this: ${why}`
  return Object.freeze({ step: 'authority', rule: `${part}-lacks-authority`, outcome: 'deny', text })
}
