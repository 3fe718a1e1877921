import type { ToolSet } from 'ai'
import { type GuardedTools, compileTools } from '../loop/guard-tools.ts'
import type { JsonScalar } from '../json/plain.ts'
import type { GuardedTool } from '../tool.ts'
import type { KitCase, KitTwin, Skipped } from './kit-case.ts'
import {
  answers,
  egress,
  emptySelectors,
  encodings,
  type Family,
  histories,
  instructions,
  pasted,
  pruning,
  repeats,
  request,
  type Surface,
  swaps,
  toolErrors,
} from './kit-families.ts'
import { duplicates, idConfusion, laundering, plantedFields } from './kit-record-families.ts'
import { callOf, type Target, targetsOf } from './kit-targets.ts'
import { valueFor } from './kit-values.ts'
import { filler, inputOf, slotsOf } from './permit-set/slots.ts'
import type { ToolCall } from './scripted-model.ts'

/** What will be tried on an agent, and what will not. */
export interface KitPlan {
  readonly compiled: GuardedTools
  readonly cases: readonly KitCase[]
  readonly twins: readonly KitTwin[]
  readonly skipped: readonly Skipped[]
  readonly reads: readonly ToolCall[]
}

const FAMILIES: readonly (readonly [name: string, needs: string, family: Family])[] = [
  [
    'instructions',
    'the agent has no tool whose results an outsider can write, or none that does anything',
    instructions,
  ],
  ['tool-errors', 'the agent has no read, or no tool that does anything', toolErrors],
  ['swaps', 'no argument decides anything', swaps],
  ['encodings', 'no argument has a value that could be written in another way', encodings],
  ['empty-selectors', 'no argument that decides something can be left out', emptySelectors],
  ['repeats', 'no tool is irreversible', repeats],
  ['histories', 'no tool does anything', histories],
  ['pasted', 'no tool does anything', pasted],
  ['id-confusion', 'no argument is an id', idConfusion],
  ['duplicate-records', 'no argument is an id that a record of a look-up has', duplicates],
  ['planted-fields', 'no field that counts as evidence is called like free text', plantedFields],
  ['egress', 'no tool carries words', egress],
  ['pruning', 'the agent has fewer than two reads, or no tool that does anything', pruning],
  ['answers', 'the agent reads nothing', answers],
  ['laundering', 'no tool with an effect returns an id that another accepts', laundering],
]

/** Families that say nothing of an agent’s own contracts: the guard has them in its own tests. */
const OF_THE_GUARD: readonly Skipped[] = [
  { family: 'approvals', because: 'nobody is asked in an audit; the binding of a yes is the guard’s own' },
  { family: 'arithmetic', because: 'the bounds of derive are the guard’s own, whatever the tools' },
  { family: 'memory', because: 'a memory is a tool like others, and was tried as one if the agent has it' },
  { family: 'sub-agents', because: 'what stands behind a tool is not run in an audit' },
  { family: 'tool-definitions', because: 'tools that are found at run time are not part of what was given' },
  { family: 'refusals', because: 'the words of a refusal are the guard’s own, whatever the tools' },
]

export interface PlanOptions {
  readonly says?: Readonly<Record<string, JsonScalar>>
  readonly outsiders?: readonly string[]
}

/** Adapt the corpus to the tools of an agent, by their contracts and schemas. */
export function kitPlan(
  tools: ToolSet,
  contracts: object,
  { says = {}, outsiders = [] }: PlanOptions,
): KitPlan {
  const compiled = compileTools(tools, contracts)
  const guarded = [...compiled.guarded.values()]
  const { targets, unfit } = targetsOf(guarded, says)
  const reads = guarded.filter(bringsWords).map(readOf)
  const surface: Surface = { guarded, targets, reads, outsiders }
  const made = FAMILIES.map(([family, because, cases]) => ({ family, because, cases: cases(surface) }))
  return {
    compiled,
    cases: made.flatMap(({ cases }) => cases),
    twins: targets.map((target) => twinOf(target, reads)),
    skipped: [
      ...made.filter(({ cases }) => cases.length === 0).map(({ family, because }) => ({ family, because })),
      ...OF_THE_GUARD,
      ...unfit.map((tool) => ({
        family: `all of ${tool}`,
        because: 'no value that the kit knows fits its schema: say one in `says`',
      })),
    ],
    reads,
  }
}

function bringsWords({ contract, runsHere }: GuardedTool): boolean {
  return runsHere && contract.plainRead
}

function readOf({ name, schema }: GuardedTool): ToolCall {
  const slots = slotsOf(schema).filter(({ optional }) => !optional)
  const values = slots.map((leaf, nth) => valueFor('user', leaf, 'text', {}, nth) ?? filler(leaf))
  return { tool: name, input: inputOf(slots, values) as ToolCall['input'] }
}

function twinOf(target: Target, reads: readonly ToolCall[]): KitTwin {
  return {
    tool: target.tool.name,
    prompt: request(target),
    calls: [...reads.slice(0, 1), callOf(target)],
    planted: { words: 'Nothing new.' },
    asks: whyItAsks(target),
  }
}

function whyItAsks({ tool: { contract }, slots }: Target): string | undefined {
  const { risk } = contract
  if (risk === 'high' || risk === 'critical') return `its risk is ${risk}`
  if (contract.contract.cause === 'trusted') return 'it insists on a trusted cause'
  const unsayable = slots.find(
    ({ argument, users }) =>
      argument.role === 'control' &&
      (argument.type === 'choice' || typeof users === 'boolean') &&
      !argument.harmless.includes(users),
  )
  return unsayable === undefined ? undefined : `${unsayable.leaf.path} is a choice of which none is harmless`
}
