import type { Attesting } from './attest/attest.ts'
import type { Writing } from './attest/canonical.ts'
import { createDerivations, type Derivations } from './attest/derivations.ts'
import { createEvidence, type Evidence, type ExecutedCall } from './attest/evidence.ts'
import { createTrustedIndex, type TrustedIndex } from './attest/trusted-index.ts'
import type { Audit } from './audit/audit.ts'
import type { CompiledContract } from './contract/compile.ts'
import { ConfigError, GuardError } from './errors.ts'
import type { Approvals } from './control/approval.ts'
import type { Halts, HaltSignal } from './control/halt.ts'
import type { InFlight } from './control/in-flight.ts'
import type { Limits } from './control/quota.ts'
import type { StandingApproval } from './control/standing.ts'
import { createHandedOut, type HandedOut } from './credentials/handed-out.ts'
import type { Secret } from './credentials/secret.ts'
import type { CredentialSource } from './credentials/source.ts'
import type { Network } from './egress/network-options.ts'
import type { Json } from './json/plain.ts'
import { allAuthorsIn, ANYONE, type Clause, type Label, label, readableBy } from './label/label.ts'
import type { Chunk, Origin } from './ledger/chunk.ts'
import { createLedger, type Ledger, type LedgerState } from './ledger/ledger.ts'
import { createTranscript, type Transcript } from './ledger/transcript.ts'
import type { AgentReference } from './identity/agent-standing.ts'
import type { SubjectTerm } from './identity/subject-term.ts'
import type { LimitParts } from './limit-options.ts'
import { grantAllows, type TaskGrant } from './policy/grant.ts'
import type { Authority } from './policy/authority.ts'
import type { Awaitable } from './policy/decision.ts'
import type { PolicyEngine } from './policy/engine.ts'
import type { Mode } from './policy/flow.ts'
import { type Acting, agentPrincipal, DEVELOPER, type Principal, type PrincipalId } from './principal.ts'
import type { Registration, RunRegistration } from './registration.ts'
import { type GuardedTool, looks } from './tool.ts'

/** Resolves whom a recipient stands for: the groups and principals that a readers clause may name. */
export interface Directory {
  /** The groups and other names of a recipient, such as `org:acme` for an address. A throw admits nobody. */
  groupsOf(recipient: string, options: { signal: AbortSignal }): Awaitable<readonly string[]>
}

/** What all runs of a guard share, checked. */
export interface GuardParts {
  readonly agent: AgentReference
  /** Whether the agent may act, as it stands. */
  readonly registration: Registration
  readonly mode: Mode
  readonly trusted: readonly PrincipalId[]
  readonly engine: PolicyEngine
  readonly authority: Authority | undefined
  readonly approvals: Approvals | undefined
  readonly limits: Limits
  /** Budgets, breakers and the rest of what limits runs. */
  readonly limiting: LimitParts
  readonly halts: Halts
  readonly inFlight: InFlight
  readonly credentials: CredentialSource | undefined
  /** The way out of what carries a credential. */
  readonly network: Network
  readonly directory: Directory | undefined
  /** Origins to which the answer may link, whoever wrote the link. */
  readonly linkOrigins: readonly string[]
  /** Options of providers that show the model nothing more, as `provider.option`. */
  readonly harmlessProviderOptions: ReadonlySet<string>
  readonly now: () => Date
  readonly newId: () => string
}

/** Everything one run owns. Nothing in it is shared with another run, but for what a sub-run is told of its parent. */
export interface RunState {
  readonly id: string
  readonly session: string | undefined
  readonly principal: Principal
  readonly actor: `agent:${string}`
  readonly guard: GuardParts
  /** What the registration of the agent means for this run. */
  readonly registration: RunRegistration
  /** For how long it may act for its subject. */
  readonly term: SubjectTerm
  /** The run that this one is part of, whose agent it acts for. */
  readonly parent: RunState | undefined
  readonly audit: Audit
  readonly signal: AbortSignal
  readonly ledger: Ledger
  readonly transcript: Transcript
  readonly trusted: TrustedIndex
  readonly evidence: Evidence
  readonly derivations: Derivations
  readonly writing: Writing
  readonly tools: Map<string, GuardedTool>
  /** What stops the calls of each tool. */
  readonly toolHalts: Map<string, HaltSignal>
  readonly trustedAuthors: ReadonlySet<string>
  readonly defaultReaders: Clause
  readonly developerLabel: Label
  readonly unknownLabel: Label
  readonly isTriggered: boolean
  /** What the user's session gave the application, for issuers alone: it is never saved with the ledger. */
  readonly subjectToken: Secret | undefined
  /** What its tools, and those of its sub-runs, have had in hand. */
  readonly handedOut: HandedOut
  /** The actors behind the agent, nearest first. */
  readonly delegation: readonly string[]
  /** How the subject was authenticated, as far as an issuer may care: the `acr`. */
  readonly authenticationContext: string | undefined
  /** The chunk that stands for another since it was endorsed or declassified. */
  readonly relabelled: Map<number, number>
  /** Definitions of tools as the model last saw them, by name. */
  readonly definitions: Map<
    string,
    { schema: unknown; description: string | undefined; chunks: readonly number[] }
  >
  /** What providers attached to the words of their models in this run. */
  readonly providerFacts: Set<string>
  /** How often each message of the user was heard. */
  readonly heard: Map<string, number>
  /** Texts of the subject, and when each was said. */
  readonly said: { readonly chunk: number; readonly at: Date }[]
  /** Calls of a loaded ledger, kept until their tool is under contract again. */
  readonly restored: Map<string, RestoredCall[]>
  /** Irreversible calls made in the turn, by (tool, control leaves). */
  readonly made: { turn: number; readonly keys: Set<string> }
  readonly counts: { readonly calls: Map<string, number>; all: number; refusals: number }
  /** Whether the run may go on later, under the same id. */
  isKept: boolean
  /** Accounts of limits that are over when the run is. */
  readonly accounts: Set<string>
  /** Budgets whose end a person was told of. */
  readonly alerted: Set<string>
  /** Bounded approvals that a person ticked for this run. */
  readonly standing: StandingApproval[]
  grant: { readonly turn: number; readonly grant: TaskGrant; computed: boolean } | undefined
}

/** A call of a loaded ledger whose tool is not under contract in this run yet. */
export interface RestoredCall {
  /** As it was saved, to be saved again if its tool never is. */
  readonly saved: Json
  /** Undefined under another contract than its own: it attests nothing then. */
  readonly restore: (contract: CompiledContract) => ExecutedCall | undefined
}

/** What a new run is made from, by the guard. */
export interface NewRun {
  readonly id: string
  readonly session: string | undefined
  readonly principal: Principal
  readonly guard: GuardParts
  readonly registration: RunRegistration
  readonly term: SubjectTerm
  readonly parent: RunState | undefined
  readonly audit: Audit
  readonly signal: AbortSignal
  readonly isTriggered: boolean
  readonly subjectToken?: Secret | undefined
  readonly delegation?: readonly string[] | undefined
  readonly authenticationContext?: string | undefined
  readonly state?: LedgerState
}

export function createRunState({
  id,
  session,
  principal,
  guard,
  registration,
  term,
  parent,
  audit,
  signal,
  isTriggered,
  subjectToken,
  delegation = [],
  authenticationContext,
  state,
}: NewRun): RunState {
  const actor = agentPrincipal(guard.agent)
  const trustedAuthors = new Set<string>([DEVELOPER, principal.subject, actor, ...guard.trusted])
  // What an agent wrote is labelled with what it had seen as well, so that its name hides nobody's.
  for (let hop = parent; hop !== undefined; hop = hop.parent) trustedAuthors.add(hop.actor)
  const writing: Writing = {
    locale: principal.locale ?? 'en-US',
    timeZone: principal.timeZone ?? 'UTC',
    now: guard.now(),
  }
  checkWriting(writing)
  const defaultReaders = readersOf(principal.subject, actor)
  return {
    id,
    session,
    principal,
    actor,
    guard,
    registration,
    term,
    parent,
    audit,
    signal,
    ledger: createLedger(state),
    transcript: createTranscript(),
    trusted: createTrustedIndex(writing),
    evidence: createEvidence((of) => allAuthorsIn(of, trustedAuthors)),
    derivations: createDerivations(),
    writing,
    tools: new Map(),
    toolHalts: new Map(),
    trustedAuthors,
    defaultReaders,
    developerLabel: label([DEVELOPER]),
    unknownLabel: label([ANYONE], [defaultReaders]),
    isTriggered,
    subjectToken,
    handedOut: parent?.handedOut ?? createHandedOut(),
    delegation,
    authenticationContext,
    relabelled: new Map(),
    definitions: new Map(),
    providerFacts: new Set(),
    heard: new Map(),
    said: [],
    restored: new Map(),
    made: { turn: 0, keys: new Set() },
    counts: { calls: new Map(), all: 0, refusals: 0 },
    isKept: false,
    accounts: new Set(),
    alerted: new Set(),
    standing: [],
    grant: undefined,
  }
}

const clauses = new Map<string, Clause>()

// One clause for one user and agent, so that the labels of a run are those of the runs before it.
function readersOf(subject: string, actor: string): Clause {
  const key = JSON.stringify([subject, actor])
  const known = clauses.get(key)
  if (known !== undefined) return known
  const made = readableBy([subject, actor], false)
  if (clauses.size >= 1000) clauses.clear()
  clauses.set(key, made)
  return made
}

/** Whether nothing from outside had a hand in a thing. */
export function isTrusted(run: RunState, of: Label): boolean {
  return allAuthorsIn(of, run.trustedAuthors)
}

/** For whom a run acts, as its tools are told. */
export function actingFor({ id, principal, actor }: RunState): Acting {
  return { principal, agent: actor, run: id }
}

/** Append a chunk with the default readers unless a label says otherwise. */
export function record(
  run: RunState,
  origin: Origin,
  authors: readonly PrincipalId[],
  content: Json,
  readers: readonly Clause[] = [run.defaultReaders],
): Chunk {
  return run.ledger.append({ origin, label: label(authors, readers), content })
}

/** Put tools under this run, so that its look-ups and derivations find them. */
export function registerTools(run: RunState, tools: Iterable<GuardedTool>): void {
  for (const tool of tools) {
    const known = run.tools.get(tool.name)
    if (known !== undefined && known.contract.digest !== tool.contract.digest)
      throw new ConfigError(
        `tools.${tool.name}`,
        'a second tool of this name',
        'one tool and one contract a name',
        'ERR_CONTRACT_INVALID',
      )
    checkNotShadowed(run, tool)
    run.tools.set(tool.name, tool)
    for (const { restore } of run.restored.get(tool.name) ?? []) {
      const call = restore(tool.contract)
      if (call !== undefined) run.evidence.add(call)
    }
    run.restored.delete(tool.name)
  }
}

/** A tool of a server may not pass for one of another server's, or of the application's. */
function checkNotShadowed(run: RunState, { name, source }: GuardedTool): void {
  for (const other of run.tools.values())
    if (other.source !== source && looks(other.name) === looks(name))
      throw new ConfigError(
        `tools.${name}`,
        `a name that looks like '${other.name}', of ${other.source ?? 'the application'}`,
        'a name that no tool from elsewhere has, or nearly has',
        'ERR_CONTRACT_INVALID',
      )
}

/** The task grant of this turn and whether it allows a call. Undefined where the run has none. */
export function grantOf(
  run: RunState,
  tool: string,
  input: Json,
): { grant: TaskGrant; allows: boolean } | undefined {
  if (run.grant === undefined) return undefined
  const { turn, grant } = run.grant
  // A grant is for its turn; the next turn computes its own, or everything asks.
  return { grant, allows: turn === run.ledger.turn && grantAllows(grant, tool, input) }
}

/** What attestation gets to see of a run. */
export function attesting(
  run: RunState,
  constants: readonly string[],
  lookup: Attesting['lookup'],
): Attesting {
  return {
    evidence: run.evidence,
    trusted: run.trusted,
    derivations: run.derivations,
    writing: run.writing,
    turn: run.ledger.turn,
    contracts: { [Symbol.iterator]: () => contractsOf(run) },
    constants,
    lookup,
  }
}

function* contractsOf({ tools }: RunState): Generator<CompiledContract> {
  for (const { contract } of tools.values()) yield contract
}

/** @throws {GuardError} `ERR_RUN_ENDED`, or the halt that ended the run. */
export function checkRunning(run: RunState): void {
  if (!run.signal.aborted) return
  const { reason } = run.signal as { reason: unknown }
  throw GuardError.isInstance(reason)
    ? reason
    : new GuardError('ERR_RUN_ENDED', 'This run has ended.', { cause: reason })
}

const checkedWritings = new Set<string>()

function checkWriting({ locale, timeZone }: Writing): void {
  const key = `${timeZone} ${locale}`
  if (checkedWritings.has(key)) return
  try {
    Intl.DateTimeFormat('en-US', { timeZone })
  } catch {
    throw new ConfigError('principal.timeZone', timeZone, "an IANA time zone such as 'Europe/Berlin'")
  }
  try {
    Intl.getCanonicalLocales(locale)
  } catch {
    throw new ConfigError('principal.locale', locale, "a BCP 47 locale such as 'en-GB'")
  }
  // Asking takes as long as all else that starts a run; there are only so many zones and locales.
  if (checkedWritings.size < 1000) checkedWritings.add(key)
}
