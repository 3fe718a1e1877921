import { agentsBehind, identityProblem } from './agent-check.ts'
import { attestAll, type ControlLeaf, type LeafVerdict } from './attest/attest.ts'
import { argumentLabels } from './argument-labels.ts'
import type { ArgumentLabel } from './attest/label-result.ts'
import { audienceOf, reachedBy } from './audience.ts'
import type { ControlArgument } from './contract/argument.ts'
import type { CompiledContract } from './contract/compile.ts'
import type { InputLeaf } from './contract/input-shape.ts'
import type { HaltSubject } from './control/halt.ts'
import { type StandingApproval, standingCovers } from './control/standing.ts'
import { stripLinks } from './egress/inert.ts'
import { linksIn } from './egress/links.ts'
import { GuardError } from './errors.ts'
import { at, type Leaf, leaves, placeText, withLeaf } from './json/path.ts'
import { canonicalJson, type Json, plainJson } from './json/plain.ts'
import type { Label } from './label/label.ts'
import type { Snapshot } from './ledger/ledger.ts'
import { madeKey, releaseMade, reserveMade, wasMade } from './made-calls.ts'
import { effective } from './policy/authority.ts'
import { combine, combineApprovers } from './policy/combine.ts'
import type { Decision, Obligation, Reason, Step } from './policy/decision.ts'
import { askPolicy } from './policy/engine.ts'
import { flowReasons, type LeafStanding } from './policy/flow.ts'
import { grantBoundsAll } from './policy/grant.ts'
import { labelView } from './policy/label-view.ts'
import type { PolicyRequest } from './policy/request.ts'
import { riskAnswer } from './policy/risk.ts'
import { bindingReaders, notAdmitted } from './policy/readers.ts'
import { isUser, partyPrincipal } from './principal.ts'
import { attesting, grantOf, isTrusted, type RunState } from './run-state.ts'
import { untrustedSources } from './sources.ts'
import type { GuardedTool } from './tool.ts'

/** A call to decide on. */
export interface Question {
  readonly call: string
  readonly tool: GuardedTool
  readonly input: unknown
  readonly snapshot: Snapshot
  readonly signal: AbortSignal
  /** Runs a read for the guard, through the enforcement point. */
  readonly lookup: (tool: string, input: Json) => ReturnType<Parameters<typeof attesting>[2]>
  /** The (tool, control leaves) that this very call has reserved already, when it is decided on again. */
  readonly reserved?: string | undefined
}

/** A decision, and all that it was taken on. */
export interface Decided {
  readonly decision: Decision
  /** What will run, if anything does. */
  readonly input: Json
  readonly leaves: readonly LeafVerdict[]
  readonly args: readonly ArgumentLabel[]
  readonly request: PolicyRequest | undefined
  readonly recipients: readonly string[]
  readonly approvers: readonly string[] | undefined
  readonly policyVersion: string
  /** Set where this call now holds the (tool, control leaves) of the turn. */
  readonly reserved: string | undefined
  /** What an approval makes it hold of the turn. */
  readonly made: string | undefined
}

const MOST_REWRITES = 3

/**
 * Steps 1 to 7 of the decision path: halted, identity, contract, authority, flow, policy, risk.
 *
 * An obligation that rewrites the input is met here, and what was rewritten is decided on again.
 *
 * @throws {GuardError} Only `UnavailableError`s of what the decision leans on: the caller denies.
 */
export async function decide(run: RunState, question: Question): Promise<Decided> {
  let given: unknown = question.input
  for (let rewrites = 0; ; rewrites += 1) {
    const decided = await decideOnce(run, question, given)
    const due: readonly Obligation[] = decided.decision.obligations
    if (!due.some(({ kind }) => kind === 'replace')) return decided
    const replaced = due.filter((one) => one.kind === 'replace')
    const rewritten = replaced.reduce(
      (input, { place, value }) => withLeaf(input, place, value),
      decided.input,
    )
    if (canonicalJson(rewritten) === canonicalJson(decided.input)) return decided
    // It is the rewritten call that will be made, if any.
    releaseMade(run, decided.reserved)
    if (rewrites === MOST_REWRITES)
      return {
        ...decided,
        reserved: undefined,
        decision: refusal('policy', 'rewrites-do-not-settle', 'Its rewrites never come to rest.'),
      }
    given = rewritten
  }
}

async function decideOnce(run: RunState, question: Question, given: unknown): Promise<Decided> {
  const { tool, snapshot } = question
  const { contract } = tool
  const plain = plainJson(given ?? {})
  const input = plain.ok ? plain.value : {}
  const refused = (step: Step, rule: string, text: string): Decided => ({
    decision: refusal(step, rule, text),
    input,
    leaves: [],
    args: [],
    request: undefined,
    recipients: [],
    approvers: undefined,
    policyVersion: run.guard.engine.version,
    reserved: undefined,
    made: undefined,
  })

  const halt = run.guard.halts.haltOf(haltSubject(run, tool.name))
  if (halt !== undefined) return refused('halt', 'halted', `Halted by ${halt.by}: ${halt.reason}`)
  const registered = identityProblem(run, tool.name)
  const identity = typeof registered === 'object' ? await registered : registered
  if (identity !== undefined)
    return refused('identity', identity, 'The registration of the agent does not cover this call.')
  if (!plain.ok)
    return refused('contract', 'input-invalid', `The input is not plain JSON: it holds ${plain.reason}.`)
  const fits = tool.validate === undefined || tool.validate(input)
  if (!(typeof fits === 'boolean' ? fits : await fits))
    return refused('contract', 'input-invalid', 'The input does not fit the schema of the tool.')

  const causeTrusted = isTrusted(run, snapshot.cause)
  const shape = contract.plainRead && causeTrusted ? [] : tool.shape(input)
  const pendingVerdicts = attestLeaves(run, question, shape, causeTrusted)
  const verdicts = Array.isArray(pendingVerdicts) ? pendingVerdicts : await pendingVerdicts
  // With a trusted cause only what the contract insists on was attested.
  const spelled = causeTrusted ? verdicts.filter((one) => insists(contract, one.argument)) : verdicts
  const settled = withSpellings(input, spelled)
  if (settled !== input && tool.validate !== undefined && !(await tool.validate(settled)))
    return refused('contract', 'input-invalid', 'The trusted spelling does not fit the schema of the tool.')
  const asked = policyRequest(run, tool, settled)
  if (asked === undefined)
    return refused('contract', 'contract-function-threw', 'A function of the contract threw.')
  const { request } = asked
  const audience = audienceOf(contract, settled, asked.recipients, verdicts)

  if (run.guard.authority !== undefined) {
    const authors = contract.contract.authority === 'authors' ? outsiders(run, snapshot.cause) : []
    const parties = { subject: request.subject, actor: request.actor, delegators: agentsBehind(run), authors }
    const { action, resource, attributes, tenant } = request
    const resourceQuestion = { action, resource, attributes, ...(tenant === undefined ? {} : { tenant }) }
    const reason = await effective(run.guard.authority, parties, resourceQuestion, {
      signal: question.signal,
    })
    if (reason.outcome !== 'permit') return refused('authority', reason.rule, reason.text)
  }

  const view = labelView(snapshot.cause, run.trustedAuthors, audience.names)
  const pending = askPolicy(run.guard.engine, request, view, { signal: question.signal })
  const answer = 'then' in pending ? await pending : pending
  const toRead = { cause: snapshot.cause, causeTrusted, audience }
  const readersNotAdmitting =
    contract.plainRead || bindingReaders(toRead).length === 0
      ? []
      : await notAdmitted({ ...toRead, namesOf: (one) => namesOf(run, one, question.signal) })
  const all = leaves(settled)
  const links = contentLinks(run, tool, all, causeTrusted)

  // From here to the end nothing is awaited: what this turn has made is checked and reserved in one go.
  const grant = grantOf(run, tool.name, settled)
  const controlPlaces = verdicts.map(({ place }) => place)
  const key = contract.effect === 'irreversible' ? madeKey(run, tool.name, verdicts) : undefined
  const approved = causeTrusted ? undefined : standingApproval(run, tool.name, snapshot, verdicts)
  const flow = flowReasons({
    mode: run.guard.mode,
    contract,
    causeTrusted,
    leaves: verdicts.map((verdict) => standing(verdict, causeTrusted, contract, approved)),
    turn: run.ledger.turn,
    readersNotAdmitting,
    unattestedLinks: links.toAsk,
    grant: grant && {
      allows: grant.allows,
      isBasis: grant.allows && grantBoundsAll(grant.grant, tool.name, controlPlaces),
    },
    boundedGrant:
      approved !== undefined || answer.bases.some((basis) => grantBoundsAll(basis, tool.name, controlPlaces)),
    madeThisTurn: key !== undefined && key !== question.reserved && wasMade(run, key),
  })
  const risk = riskAnswer(contract.risk)
  const decision = combine(
    [...flow, ...(approved === undefined ? [] : [withinStanding(approved)]), ...answer.reasons, risk.reason],
    [...answer.obligations, ...risk.obligations, ...links.toStrip],
  )
  const holds = key !== undefined && decision.outcome === 'permit' && reserveMade(run, key)
  return {
    decision,
    input: settled,
    leaves: verdicts,
    args: argumentLabels(run, contract, all, shape, verdicts, snapshot.cause, causeTrusted),
    request,
    recipients: audience.names ?? [],
    approvers: combineApprovers(contract.contract.approval?.approvers, answer.approvers),
    policyVersion: answer.version,
    reserved: holds ? key : undefined,
    made: key,
  }
}

/** A deny for one reason. */
export function refusal(step: Step, rule: string, text: string): Decision {
  return { outcome: 'deny', reasons: [{ step, rule, outcome: 'deny', text }], obligations: [] }
}

/** What a halt may name of a call. */
export function haltSubject(
  run: Pick<RunState, 'id' | 'session' | 'principal' | 'actor'>,
  tool?: string,
): HaltSubject {
  const { id, session, principal, actor } = run
  const user = isUser(principal.subject) ? principal.subject : undefined
  return { run: id, session, user, agent: actor, tool, tenant: principal.tenant }
}

/** The verdict on each control leaf that needs one: at once, unless a look-up has to run. */
function attestLeaves(
  run: RunState,
  { tool: { contract }, lookup }: Question,
  shape: readonly InputLeaf[],
  causeTrusted: boolean,
): readonly LeafVerdict[] | Promise<readonly LeafVerdict[]> {
  if (contract.plainRead) return []
  const due: ControlLeaf[] = []
  for (const leaf of shape) {
    const argument = contract.argumentAt(leaf.place)
    if (argument.role === 'content') continue
    // An irreversible call is remembered by its values even where they need no attestation.
    if (causeTrusted && contract.effect !== 'irreversible' && !insists(contract, argument)) continue
    due.push({ leaf, argument })
  }
  return due.length === 0 ? [] : attestAll(due, attesting(run, contract.contract.constants ?? [], lookup))
}

function insists(contract: CompiledContract, argument: ControlArgument): boolean {
  return contract.contract.attest === 'always' || argument.always
}

/** With a trusted cause a value needs no attestation, unless the contract insists. */
function standing(
  verdict: LeafVerdict,
  causeTrusted: boolean,
  contract: CompiledContract,
  approved: StandingApproval | undefined,
): LeafStanding {
  const { place, by, turn, argument } = verdict
  const excused = causeTrusted && by === undefined && !insists(contract, argument)
  const instead = excused ? 'constant' : approved === undefined ? undefined : 'approved'
  return { path: placeText(place), by: by ?? instead, turn }
}

/** The standing approval that covers a call: every value that is more than a choice, and every source behind it. */
function standingApproval(
  run: RunState,
  tool: string,
  snapshot: Snapshot,
  verdicts: readonly LeafVerdict[],
): StandingApproval | undefined {
  const ticked = run.standing.filter((one) => one.tool === tool)
  if (ticked.length === 0) return undefined
  const counted = verdicts.filter(({ by }) => by !== 'choice' && by !== 'constant')
  // A value that is left out can meet no bound.
  const values = counted.map(({ place, value }) => ({ place, value: (value ?? null) as Leaf['value'] }))
  const untrustedChunks = untrustedSources(run, snapshot)
  const now = run.guard.now()
  return ticked.find((one) =>
    standingCovers(one, { run: run.id, tool, leaves: values, untrustedChunks, now }),
  )
}

function withinStanding({ id, by }: StandingApproval): Reason {
  const text = `Within the standing approval ${id} that ${by} gave.`
  return { step: 'approval', rule: 'standing-approval', outcome: 'permit', text }
}

function withSpellings(input: Json, verdicts: readonly LeafVerdict[]): Json {
  let settled = input
  for (const { place, by, value } of verdicts) {
    if (by === undefined || by === 'choice' || by === 'constant' || value === undefined) continue
    if (at(settled, place) === value) continue
    settled = withLeaf(settled, place, value)
  }
  return settled
}

interface Asked {
  readonly request: PolicyRequest
  readonly recipients: ReturnType<typeof reachedBy>
}

function policyRequest(run: RunState, tool: GuardedTool, input: Json): Asked | undefined {
  const { contract } = tool
  const { contract: full } = contract
  const args = input as Readonly<Record<string, Json>>
  try {
    const { now } = run.guard
    return {
      recipients: reachedBy(contract, input),
      request: {
        subject: run.principal.subject,
        actor: run.actor,
        attributes: run.principal.attributes ?? {},
        tenant: run.principal.tenant,
        run: run.id,
        session: run.session,
        tool: tool.name,
        effect: contract.effect,
        egress: contract.egress,
        risk: contract.risk,
        action: full.action ?? tool.name,
        resource: full.resource?.(args) ?? { type: 'tool', id: tool.name },
        classification: full.classification,
        input: args,
        time: now(),
        timeZone: run.writing.timeZone,
        turn: run.ledger.turn,
        counts: {
          calls: (name) => (name === undefined ? run.counts.all : (run.counts.calls.get(name) ?? 0)),
          refusals: () => run.counts.refusals,
        },
      },
    }
  } catch (error) {
    if (GuardError.isInstance(error)) throw error
    return undefined
  }
}

async function namesOf(run: RunState, recipient: string, signal: AbortSignal): Promise<readonly string[]> {
  const own = [partyPrincipal(recipient, run.principal)]
  if (run.guard.directory === undefined) return own
  try {
    return [...own, ...(await run.guard.directory.groupsOf(recipient, { signal }))]
  } catch {
    return own
  }
}

function outsiders(run: RunState, cause: Label): PolicyRequest['subject'][] {
  return cause.authors.filter((author) => !run.trustedAuthors.has(author)) as PolicyRequest['subject'][]
}

function contentLinks(
  run: RunState,
  tool: GuardedTool,
  input: readonly Leaf[],
  causeTrusted: boolean,
): { toAsk: string[]; toStrip: Obligation[] } {
  const toAsk: string[] = []
  const toStrip: Obligation[] = []
  if (causeTrusted || tool.contract.plainRead) return { toAsk, toStrip }
  for (const { place, value } of input) {
    const argument = tool.contract.argumentAt(place)
    if (argument.role !== 'content' || argument.links === 'allow' || typeof value !== 'string') continue
    const attested = (href: string): boolean => run.trusted.quote('url', href) !== undefined
    if (linksIn(value).every(({ href }) => attested(href))) continue
    if (argument.links === 'ask') toAsk.push(placeText(place))
    else toStrip.push({ kind: 'replace', place, value: stripLinks(value, attested).text })
  }
  return { toAsk, toStrip }
}
