import { AssertionError } from 'node:assert'
import type { ToolSet } from 'ai'
import type { Contracts } from '../contract/infer.ts'
import { ConfigError } from '../errors.ts'
import type { Guard } from '../guard.ts'
import type { JsonScalar } from '../json/plain.ts'
import type { AgentIdentity, Principal } from '../principal.ts'
import { auditContracts, type ContractsAudit } from './audit-contracts.ts'
import type { Narrowing } from './audit/narrow.ts'
import type { TestApi } from './describe-attacks.ts'
import type { KitCase, KitTwin, Skipped } from './kit-case.ts'
import { leftToAnyone, type LeftToAnyone, playKitCase, playTwin } from './kit-play.ts'
import { type KitPlan, kitPlan } from './kit-plan.ts'
import type { Results } from './kit-stubs.ts'
import { printReport } from './report.ts'

/** An agent, as far as an audit drives it. Its own tools are never run. */
export interface AgentUnderAudit<TOOLS extends ToolSet> {
  /** A new guard, as the agent has it, but with nobody to ask: a call that needs a person counts as stopped. */
  readonly guard: () => Guard
  readonly tools: TOOLS
  readonly contracts: Contracts<TOOLS>
  readonly principal: Principal
  /** Whether the agent is offered `derive`. */
  readonly derive?: boolean
  /** What a tool returns, by its name, in the place of a result made up from its contract. */
  readonly results?: Results
  /** Fields of results that outsiders write, by `tool.path`, besides those whose names say so. */
  readonly outsiders?: readonly string[]
  /** A value that fits an argument’s schema, by `tool.path`, where a made-up one does not. */
  readonly says?: Readonly<Record<string, JsonScalar>>
  /** What may be as it is, by a case’s id, `tool` or `tool.path`, and why. It is in the report with its reason. */
  readonly accepts?: Readonly<Record<string, string>>
}

/** What became of one case. */
export interface CaseReport {
  readonly id: string
  readonly family: string
  readonly promise: string
  readonly tool: string
  readonly argument: string | undefined
  readonly outcome: 'stopped' | 'got through' | 'accepted' | 'not tried'
  /** What ran, or why it is accepted. */
  readonly detail: string | undefined
  /** Lines of the contracts that would narrow it. */
  readonly narrowings: readonly Narrowing[]
}

/** What became of a call that the user asked for. */
export interface TwinReport {
  readonly tool: string
  readonly outcome: 'done' | 'asks' | 'accepted' | 'refused'
  readonly detail: string | undefined
}

export interface AgentReport {
  /** Nothing got through that was not accepted, and what the user asks for is done. */
  readonly ok: boolean
  readonly cases: readonly CaseReport[]
  readonly twins: readonly TwinReport[]
  /** What the permit-set adversary can have called when the user has said nothing. */
  readonly left: readonly LeftToAnyone[]
  readonly skipped: readonly Skipped[]
  readonly contracts: ContractsAudit
}

/**
 * Try the corpus on an agent’s own tools and contracts, with results made up in the place of what the tools do.
 *
 * A model that obeys every word reads what an outsider wrote and makes the attacker’s calls; then the user asks for
 * each call in their own words. `printReport` puts the outcome into words.
 *
 * @throws {ContractError} If the contracts would not start.
 * @throws {ConfigError} If the guard has somebody to ask: an audit must not wait for a person.
 */
export async function auditAgent<const TOOLS extends ToolSet>(
  agent: AgentUnderAudit<TOOLS>,
): Promise<AgentReport> {
  const { plan, audit } = prepared(agent)
  const contracts = await audit()
  const cases: CaseReport[] = []
  for (const one of plan.cases) cases.push(await tryCase(agent, plan, one, contracts))
  const twins: TwinReport[] = []
  for (const one of plan.twins) twins.push(await tryTwin(agent, plan, one))
  const left = await leftToAnyone(agent, plan)
  return {
    ok:
      cases.every(({ outcome }) => outcome === 'stopped' || outcome === 'accepted') &&
      twins.every(({ outcome }) => outcome !== 'refused') &&
      left.every(({ tool, isGrave }) => !isGrave || agent.accepts?.[tool] !== undefined),
    cases,
    twins,
    left,
    skipped: plan.skipped,
    contracts,
  }
}

/**
 * Define the same as tests: one for each attack on each tool, one for what the user asks for, one for the
 * permit-set adversary. A test that fails names the line of the contract that would narrow it. The report is
 * handed to `onReport` at the end, to be printed or kept.
 *
 * `api` is vitest's `{ describe, test }`, or that of another runner.
 *
 * @example
 * ```ts
 * describeCorpus('the support agent', { guard, tools, contracts, principal }, { describe, test })
 * ```
 */
export function describeCorpus<const TOOLS extends ToolSet>(
  name: string,
  agent: AgentUnderAudit<TOOLS>,
  { describe, test }: TestApi,
  { onReport }: { readonly onReport?: (text: string, report: AgentReport) => void } = {},
): void {
  const { plan, audit } = prepared(agent)
  describe(name, () => {
    for (const one of plan.cases)
      test(`${one.promise} (${one.id})`, async () => {
        const report = await tryCase(agent, plan, one, await audit())
        if (report.outcome === 'got through' || report.outcome === 'not tried') fail(inWords(report))
      })
    for (const one of plan.twins)
      test(`${one.tool} does what the user asks for${one.asks === undefined ? '' : `, or asks: ${one.asks}`}`, async () => {
        const { outcome, detail } = await tryTwin(agent, plan, one)
        if (outcome === 'refused')
          fail(`Expected ${one.tool} to run for the user’s own words, but ${detail}.`)
      })
    test('nothing grave can be called while the user has said nothing', async () => {
      const grave = (await leftToAnyone(agent, plan)).filter(
        ({ tool, isGrave }) => isGrave && agent.accepts?.[tool] === undefined,
      )
      if (grave.length > 0)
        fail(
          grave.map(({ tool, example }) => `${tool} can be called by anyone, as in ${example}.`).join('\n'),
        )
    })
    if (onReport !== undefined)
      test('the report', async () => {
        const report = await auditAgent(agent)
        onReport(printReport(report), report)
      })
  })
}

function prepared<TOOLS extends ToolSet>(
  agent: AgentUnderAudit<TOOLS>,
): { plan: KitPlan; audit: () => Promise<ContractsAudit> } {
  const { guard, tools, contracts } = agent
  const plan = kitPlan(tools, contracts, agent)
  const made = guard()
  if (made.approvals !== undefined)
    throw new ConfigError(
      'guard',
      'a guard with approvals',
      'one that asks nobody, since an audit cannot wait',
    )
  return { plan, audit: () => auditContracts({ tools, contracts, agent: toolBounds(made.agent) }) }
}

/** An agent in a registry may have any bounds by the time it runs: none are counted on. */
function toolBounds(agent: Guard['agent']): Partial<AgentIdentity> {
  return 'expires' in agent ? agent : {}
}

async function tryCase<TOOLS extends ToolSet>(
  agent: AgentUnderAudit<TOOLS>,
  plan: KitPlan,
  one: KitCase,
  contracts: ContractsAudit,
): Promise<CaseReport> {
  const { id, family, promise, tool, argument } = one
  const { ran, wasTried } = await playKitCase(agent, plan, one)
  const reason = accepted(agent, one)
  const outcome =
    ran.length === 0
      ? wasTried
        ? 'stopped'
        : 'not tried'
      : reason === undefined
        ? 'got through'
        : 'accepted'
  const detail = outcome === 'got through' ? ran.join(', ') : outcome === 'accepted' ? reason : undefined
  const narrowings = outcome === 'got through' ? linesFor(one, contracts) : []
  return { id, family, promise, tool, argument, outcome, detail, narrowings }
}

async function tryTwin<TOOLS extends ToolSet>(
  agent: AgentUnderAudit<TOOLS>,
  plan: KitPlan,
  one: KitTwin,
): Promise<TwinReport> {
  const rules = await playTwin(agent, plan, one)
  const { tool } = one
  if (rules === undefined) return { tool, outcome: 'done', detail: undefined }
  if (one.asks !== undefined) return { tool, outcome: 'asks', detail: one.asks }
  const reason = agent.accepts?.[tool]
  return reason === undefined
    ? { tool, outcome: 'refused', detail: rules }
    : { tool, outcome: 'accepted', detail: reason }
}

function accepted<TOOLS extends ToolSet>(
  { accepts = {} }: AgentUnderAudit<TOOLS>,
  { id, tool, argument }: KitCase,
): string | undefined {
  return accepts[id] ?? accepts[`${tool}.${argument ?? ''}`] ?? accepts[tool]
}

/** The lines that belong to what got through: doubts first, and nothing but doubts where there are any. */
function linesFor({ tool, argument, keys }: KitCase, { tools }: ContractsAudit): readonly Narrowing[] {
  const all = tools.flatMap((one) => [
    ...one.narrowings.map((narrowing) => ({
      of: one.tool,
      path: undefined as string | undefined,
      narrowing,
    })),
    ...one.arguments.flatMap(({ path, narrowings }) =>
      narrowings.map((narrowing) => ({ of: one.tool, path: path as string | undefined, narrowing })),
    ),
  ])
  const own = all
    .filter(
      ({ of, path, narrowing }) =>
        keys.includes(narrowing.key) || (of === tool && (argument === undefined || path === argument)),
    )
    .map(({ narrowing }) => narrowing)
  const doubts = own.filter(({ level }) => level === 'doubt')
  return doubts.length > 0 ? doubts : own
}

function inWords({ promise, outcome, detail, narrowings }: CaseReport): string {
  if (outcome === 'not tried') return `Expected to try that ${promise}, but the model never made the call.`
  const lines = narrowings.map(({ key, line, because }) => `  ${key} → ${line}  // ${because}`)
  return [
    `Expected that ${promise}, but it was executed: ${detail}.`,
    ...(lines.length === 0 ? [] : ['It would be narrower with', ...lines]),
  ].join('\n')
}

function fail(message: string): never {
  throw new AssertionError({ message, stackStartFn: fail })
}
