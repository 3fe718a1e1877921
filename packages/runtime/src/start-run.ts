import type { Audit } from './audit/audit.ts'
import { follow, stopCalls } from './call-signal.ts'
import { Secret } from './credentials/secret.ts'
import { haltSubject, refusal } from './decide.ts'
import { ConfigError, GuardError, HaltedError } from './errors.ts'
import type { Authentication } from './identity/authentication.ts'
import { endOfSubject, subjectExpired, subjectTerm } from './identity/subject-term.ts'
import { authenticationOf } from './authentication-of.ts'
import { loadLedger, type SavedLedger } from './ledger/saved.ts'
import { parsePrincipal } from './parse.ts'
import { agentPrincipal, type Principal } from './principal.ts'
import { createRun, type Run, stateOf } from './run.ts'
import { restoreEvidence } from './run-evidence.ts'
import { createRunState, type GuardParts, type RunState } from './run-state.ts'
import { checkSubRun } from './sub-run.ts'
import { hearTrigger, type Trigger } from './trigger.ts'

export interface RunOptions {
  /** For whom the run acts, as the application authenticated them. */
  readonly principal: Principal
  /** The conversation's id, if it goes on over several calls. */
  readonly id?: string
  readonly session?: string
  /** The ledger of the conversation so far, as `run.save()` gave it. */
  readonly ledger?: SavedLedger
  /** Ends the run when it fires. */
  readonly signal?: AbortSignal
  /** The event that starts the run, where no person does. */
  readonly trigger?: Trigger
  /** How the principal was authenticated, for the audit and for issuers; see `@gatewright/runtime/identity`. */
  readonly authentication?: Authentication
  /**
   * The run whose agent this one acts for: of the same principal, and ended with it. The agent may do only what that
   * one may do as well, and what it is told is not the user's word.
   */
  readonly parent?: Run
  /** Actors behind this agent, nearest first, for the audit. With `parent` they are known. */
  readonly delegation?: readonly string[]
  /** The user's own token, where an issuer exchanges it for those of calls. Kept in memory alone, never saved. */
  readonly subjectToken?: Secret
}

const NEVER = new AbortController().signal

/** Start a run, or go on with a saved one; see `Guard.startRun`. */
export async function startRun(guard: GuardParts, audit: Audit, options: RunOptions): Promise<Run> {
  const parent = options.parent && stateOf(options.parent)
  const principal = parsePrincipal(options.principal, guard.agent, parent?.principal.subject)
  if (parent !== undefined) checkSubRun(parent, principal)
  if (parent !== undefined && options.delegation !== undefined)
    throw new ConfigError('delegation', options.delegation, 'nothing: it is that of the parent')
  const delegation = parent === undefined ? options.delegation : [parent.actor, ...parent.delegation]
  const { session = parent?.session } = options
  const loaded = options.ledger === undefined ? undefined : loadLedger(options.ledger)
  if (
    loaded !== undefined &&
    (loaded.saved.subject !== principal.subject || loaded.saved.tenant !== principal.tenant)
  )
    throw new GuardError('ERR_LEDGER_INVALID', 'A saved ledger cannot be loaded: it is of another principal.')
  if (options.id !== undefined && loaded !== undefined && loaded.saved.run !== options.id)
    throw new GuardError('ERR_LEDGER_INVALID', 'A saved ledger cannot be loaded: it is of another run.')
  const authentication = authenticationOf(options.authentication, principal)
  const until = endOfSubject(options.authentication, parent?.term.until)
  const subjectToken = subjectTokenOf(options) ?? parent?.subjectToken
  const id = options.id ?? loaded?.saved.run ?? guard.newId()
  const own = new AbortController()
  const subject = { id, session, principal, actor: agentPrincipal(guard.agent) }
  if (guard.halts.opened !== undefined) await guard.halts.opened()
  const halt = guard.halts.signalFor(haltSubject(subject))
  const term = subjectTerm({ until, now: guard.now, abort: (reason) => own.abort(reason) })
  let registration
  let credentialsEnded = async (): Promise<void> => {}
  try {
    if (halt.signal.aborted) throw haltedBefore(guard, subject)
    if (term.isOver()) throw subjectExpired()
    follow(own, halt.signal)
    if (options.signal !== undefined) follow(own, options.signal)
    if (parent !== undefined) follow(own, parent.signal)
    registration = await guard.registration.admit({
      id,
      signal: own.signal,
      abort: (reason) => own.abort(reason),
    })
    const state = createRunState({
      id,
      session,
      principal,
      guard,
      registration,
      term,
      parent,
      audit: audit.within({
        run: id,
        session,
        subject: principal.subject,
        tenant: principal.tenant,
        delegation,
        trigger: options.trigger?.id,
      }),
      signal: own.signal,
      isTriggered: options.trigger !== undefined,
      subjectToken,
      delegation,
      authenticationContext: authentication.acr ?? parent?.authenticationContext,
      ...(loaded === undefined ? {} : { state: loaded.state }),
    })
    if (loaded !== undefined) restoreEvidence(state, loaded.saved.evidence)
    if (options.trigger !== undefined) hearTrigger(state, options.trigger)
    await state.audit.record(
      {
        type: 'run-started',
        mode: guard.mode,
        resumed: loaded !== undefined,
        policyVersion: guard.engine.version,
        authentication: {
          ...authentication,
          ...(until === undefined ? {} : { until: until.toISOString() }),
        },
        parent: parent?.id,
      },
      { signal: state.signal },
    )
    state.isKept = options.id !== undefined || loaded !== undefined
    credentialsEnded = beginCredentials(state)
    const { end } = registration
    // A run that was stopped is over, whether or not anybody ends it.
    const over = (): void => {
      void end()
      void credentialsEnded()
      term[Symbol.dispose]()
      stopCalls(state)
    }
    own.signal.addEventListener('abort', over, { once: true })
    return createRun(state, own, halt, async () => {
      forgetAccounts(state)
      await credentialsEnded()
      await end()
    })
  } catch (error) {
    halt[Symbol.dispose]()
    term[Symbol.dispose]()
    own.abort(error)
    await credentialsEnded()
    await registration?.end()
    throw error
  }
}

/** By whom and why is for the developer: an operator, or this process itself, which has lost touch with the others. */
function haltedBefore({ halts }: GuardParts, subject: Parameters<typeof haltSubject>[0]): HaltedError {
  const { by, reason } = halts.haltOf(haltSubject(subject)) ?? { by: 'gatewright', reason: 'just now' }
  const decision = refusal('halt', 'halted', `Halted by ${by}: ${reason}`)
  return new HaltedError('ERR_HALTED', 'This was halted by an operator.', { decision })
}

// A string here would be printed by whatever prints the options.
function subjectTokenOf({ subjectToken }: RunOptions): Secret | undefined {
  if (subjectToken === undefined || subjectToken instanceof Secret) return subjectToken
  throw new ConfigError('subjectToken', typeof subjectToken, 'new Secret(token)')
}

/** The tokens of a run are of no more use when it is over, however it ended. */
function beginCredentials({ id, guard: { credentials } }: RunState): () => Promise<void> {
  credentials?.opened?.(id)
  let ended: Promise<void> | undefined
  return async () => {
    ended ??= credentials?.ended?.(id)
    await ended
  }
}

/** A run that cannot go on leaves no accounts behind; one that can must not find them empty. */
function forgetAccounts({ isKept, accounts, guard }: RunState): void {
  if (isKept || accounts.size === 0) return
  void (async () => guard.limits.forget([...accounts], { signal: NEVER }))().catch(() => {})
}
