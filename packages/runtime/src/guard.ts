import { randomUUID } from 'node:crypto'
import type { AuditSink } from './audit/sink.ts'
import { createAudit } from './audit/audit.ts'
import type { Redact } from './audit/redact.ts'
import { memoryAudit } from './audit/memory.ts'
import { type ApprovalsOptions, createApprovals } from './control/ask.ts'
import type { Approvals } from './control/approval.ts'
import {
  type HaltReason,
  type HaltRecord,
  type HaltResult,
  type Halts,
  type HaltScope,
} from './control/halt.ts'
import { type HaltHook, withHooks } from './control/halt-hooks.ts'
import { reportHalts } from './control/halt-reports.ts'
import { type CallInFlight, createInFlight } from './control/in-flight.ts'
import type { CredentialSource } from './credentials/source.ts'
import { lazyNetwork, type NetworkOptions } from './egress/network-options.ts'
import { ConfigError } from './errors.ts'
import { type GuardCredentials, linkCredentials } from './guard-credentials.ts'
import { createHalting } from './halting.ts'
import type { AgentReference } from './identity/agent-standing.ts'
import type { AgentRegistry } from './identity/agents.ts'
import type { RetireStep } from './identity/retire.ts'
import { type LimitOptions, limitParts } from './limit-options.ts'
import type { LedgerStore } from './ledger/store.ts'
import type { Authority } from './policy/authority.ts'
import { engineOf, type PolicyEngine } from './policy/engine.ts'
import type { Mode } from './policy/flow.ts'
import type { Policy, PolicySource } from './policy/policy.ts'
import { type AgentIdentity, agentPrincipal, type PrincipalId } from './principal.ts'
import { agentOf, registrationOf, type RegistrationTimes } from './registration-options.ts'
import type { Run } from './run.ts'
import type { Directory, GuardParts } from './run-state.ts'
import { sharedState } from './shared-state.ts'
import { type RunOptions, startRun } from './start-run.ts'
import type { Store } from './store/store.ts'

export type { RunOptions } from './start-run.ts'

export interface GuardOptions {
  /** Who the agent is: its whole registration, or which one of `agents` it is. */
  readonly agent: AgentIdentity | AgentReference
  /**
   * Where the agent is registered. It is looked up at each start, and while runs go on: an agent that expires, is
   * retired or loses a tool stops in the midst of a run.
   */
  readonly agents?: AgentRegistry
  readonly registration?: RegistrationTimes
  /** What the developer permits. A policy that does not parse refuses to start; silence is a deny. */
  readonly policy: Policy | PolicySource | PolicyEngine
  /** Default `attest`. */
  readonly mode?: Mode
  /** Whom the developer trusts besides themselves, the user and the agent, such as `operator:shop`. */
  readonly trusted?: readonly PrincipalId[]
  /** What the user may do and the agent may do. Left out, only the agent's tool lists and the policy say. */
  readonly authority?: Authority
  /** Who is asked, and how. Left out, a call that needs a person is refused. */
  readonly approvals?: Omit<ApprovalsOptions, 'now' | 'newId'>
  /** Default: the last events, in this process's memory. */
  readonly audit?: { readonly sink: AuditSink; readonly redact?: Redact }
  /**
   * Where limits are counted, and approvals, ledgers and halts kept, for all guards and processes that share it:
   * `sqliteStore()`, or a Redis or PostgreSQL. Dispose of the guard before the store is closed. Each part can be
   * given apart instead. Default: in this process's memory.
   */
  readonly store?: Store
  /** Quotas, budgets and breakers. */
  readonly limits?: LimitOptions
  /** Where halts are kept, if not in `store`; disposing of them is the caller's. */
  readonly halts?: Halts
  /** What must follow each halt, such as revoking tokens; `halt` reports whether it did. */
  readonly onHalt?: readonly HaltHook[]
  /** Where the tokens of calls come from: `createCredentials()` of `@gatewright/runtime/credentials`. */
  readonly credentials?: CredentialSource
  /** Where requests with a credential may go besides the public internet. Default: nowhere. */
  readonly network?: NetworkOptions
  readonly directory?: Directory
  /** Where ledgers of conversations are kept between calls, if not in `store`. */
  readonly ledgers?: LedgerStore
  /** Origins to which answers may link whoever wrote the link, such as `https://docs.example`. Default: none. */
  readonly linkOrigins?: readonly string[]
  /**
   * Options of providers, as `provider.option`, that change how a model answers and never what it is shown. Any that
   * is not known to be so makes the cause of every call unknown. The usual ones are known.
   */
  readonly harmlessProviderOptions?: readonly string[]
  readonly now?: () => Date
  /** Ids that nobody can foresee. Default: `crypto.randomUUID`. */
  readonly newId?: () => string
}

/**
 * What all runs of one agent share: its identity, its policy, its controls.
 *
 * Dispose of it when the process ends: with a store, that lets go of the lease, and aborts what still runs.
 */
export interface Guard extends AsyncDisposable {
  readonly agent: AgentIdentity | AgentReference
  readonly mode: Mode
  /**
   * Start a run, or go on with a saved one.
   *
   * @throws {HaltedError} If something that the run is part of is halted.
   * @throws {GuardError} `ERR_AGENT_UNKNOWN`, `_RETIRED`, `_EXPIRED`; `ERR_AGENT_SESSIONS`, if it has as many as it
   * may have; `ERR_AGENTS_UNAVAILABLE`; `ERR_SUBJECT_EXPIRED`, if `authentication.until` has passed; `ERR_LEDGER_INVALID`, if the ledger is not of this principal.
   */
  startRun(options: RunOptions): Promise<Run>
  /** Stop a run, session, user, agent, tool, tenant or everything: aborts what runs and refuses what comes. */
  halt(scope: HaltScope, why: HaltReason): Promise<HaltResult>
  resume(scope: HaltScope, why: HaltReason): Promise<boolean>
  halts(): readonly HaltRecord[]
  /**
   * Retire the agent of this guard in its registry, for good and in all its versions, and end all that it holds: runs,
   * sessions, tokens. Says system by system what was done, and whether that is known.
   *
   * @throws {ConfigError} If the agent is in no registry.
   */
  retire(why: HaltReason): Promise<readonly RetireStep[]>
  /** Calls whose tools have not come back, and which of them were told to stop: those ignore it, or cannot. */
  inFlight(): readonly CallInFlight[]
  /** The requests that wait for a person, and the way for signed decisions to come in. */
  readonly approvals: Pick<Approvals, 'decide' | 'pending'> | undefined
  readonly ledgers: LedgerStore
  /** The tokens that the agent holds; undefined with no source of them, or with one that keeps its own books. */
  readonly credentials: GuardCredentials | undefined
  /** What is configured, for a start-up log: nothing that is not configured is claimed. */
  describe(): Readonly<Record<string, string>>
}

const parts = new WeakMap<Guard, GuardParts>()

/** What a guard is made of; for the layers that enforce. */
export function partsOf(guard: Guard): GuardParts {
  const found = parts.get(guard)
  if (found === undefined) throw new ConfigError('guard', guard, 'what createGuard() returned')
  return found
}

/**
 * Create a guard.
 *
 * @throws {ConfigError} On a configuration that is not safe to start with; names the key.
 */
export function createGuard(options: GuardOptions): Guard {
  const { mode = 'attest', trusted = [], authority, credentials, directory } = options
  const now = options.now ?? (() => new Date())
  const limits = options.limits ?? {}
  const newId = options.newId ?? randomUUID
  const agent = agentOf(options, now)
  if (mode !== 'attest' && mode !== 'floor') throw new ConfigError('mode', mode, "'attest' or 'floor'")
  for (const one of trusted)
    if (one === 'anyone' || typeof one !== 'string')
      throw new ConfigError('trusted', one, 'principals, and never anyone')
  if (typeof options.policy !== 'object' || options.policy === null)
    throw new ConfigError(
      'policy',
      options.policy,
      'what policy() returned, a source of it, or a policy engine',
    )
  if (options.approvals !== undefined && typeof options.approvals.channel?.present !== 'function')
    throw new ConfigError('approvals.channel', options.approvals.channel, 'a channel with present()')
  if (options.audit !== undefined && typeof options.audit.sink?.write !== 'function')
    throw new ConfigError('audit.sink', options.audit.sink, 'a sink with write()')
  const engine = 'decide' in options.policy ? options.policy : engineOf(options.policy)
  const { store } = options
  const limiting = limitParts(limits, { now, newId, store })
  const shared = sharedState({
    store,
    limits: limits.store,
    approvals: options.approvals,
    halts: options.halts,
    ledgers: options.ledgers,
    now,
  })
  const actor = agentPrincipal(agent)
  const audit = createAudit({
    sink: options.audit?.sink ?? memoryAudit(),
    now,
    ...(options.audit?.redact === undefined ? {} : { redact: options.audit.redact }),
    context: { agent: actor },
  })
  const network = lazyNetwork(options.network)
  const link = linkCredentials({ source: credentials, halts: shared.halts, audit, store, actor, now })
  const inFlight = createInFlight({ now })
  const reports = store && reportHalts({ store, halts: shared.halts, agent: actor, inFlight, newId })
  const halts = withHooks(shared.halts, [...(options.onHalt ?? []), ...link.hooks], reports?.follows)
  const approvals =
    options.approvals &&
    createApprovals({
      ...options.approvals,
      ...(shared.approvals === undefined ? {} : { store: shared.approvals }),
      now,
      newId,
    })
  const { ledgers } = shared
  const own: GuardParts = {
    agent,
    registration: registrationOf(options, { now, newId }),
    mode,
    trusted,
    engine,
    authority,
    approvals,
    limits: shared.limits,
    limiting,
    halts,
    inFlight,
    credentials,
    network,
    directory,
    linkOrigins: options.linkOrigins ?? [],
    harmlessProviderOptions: new Set(options.harmlessProviderOptions),
    now,
    newId,
  }
  const { hasOtherHalts } = shared
  const halting = createHalting({ halts, audit, inFlight, hasOtherHalts })

  const guard: Guard = {
    agent,
    mode,
    approvals,
    ledgers,
    credentials: link.credentials,
    async startRun(run) {
      return await startRun(own, audit, run)
    },
    halt: halting.halt,
    resume: halting.resume,
    inFlight: () => inFlight.list(),
    halts: () => halts.list(),
    retire: (why) => own.registration.retire(halting, why),
    describe: () => ({
      agent: own.registration.kept,
      mode,
      policy: engine.version,
      authority:
        authority === undefined ? 'none: the policy and the tool lists of the agent alone' : 'configured',
      approvals:
        approvals === undefined ? 'none: a call that needs a person is refused' : shared.kept.approvals,
      audit: options.audit === undefined ? 'the last events, in memory' : 'configured',
      store: shared.kept.store,
      limits: shared.kept.limits,
      breakers:
        limits.breaker === false
          ? 'none'
          : store === undefined
            ? 'in memory of this process'
            : 'in memory of this process, with hints through the store',
      violations:
        limits.violations === false
          ? 'none: nothing stops an agent that keeps being refused'
          : store === undefined
            ? 'counted in memory of this process'
            : 'counted in the store',
      ledgers: shared.kept.ledgers,
      halts: shared.kept.halts,
      credentials: credentials === undefined ? 'none' : 'configured',
    }),
    async [Symbol.asyncDispose]() {
      halting[Symbol.dispose]()
      reports?.[Symbol.dispose]()
      link[Symbol.dispose]()
      await network[Symbol.asyncDispose]()
      limiting.close()
      await own.registration[Symbol.asyncDispose]()
      await shared[Symbol.asyncDispose]()
    },
  }
  parts.set(guard, own)
  return guard
}
