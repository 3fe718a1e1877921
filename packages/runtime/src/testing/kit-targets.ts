import type { Argument, ControlArgument, ValueType } from '../contract/argument.ts'
import { describeContract } from '../contract/describe.ts'
import type { SchemaLeaf } from '../contract/json-schema.ts'
import type { JsonScalar } from '../json/plain.ts'
import type { GuardedTool } from '../tool.ts'
import { auditedAudience } from './audit/audience.ts'
import { narrowArgument } from './audit/narrow.ts'
import { valueFor } from './kit-values.ts'
import { type Option, ABSENT, inputOf, slotsOf } from './permit-set/slots.ts'
import type { ToolCall } from './scripted-model.ts'

/** One argument of a tool under audit. */
export interface Slot {
  readonly leaf: SchemaLeaf
  readonly argument: Argument
  readonly type: ValueType
  readonly kind: string | undefined
  /** It decides something: by its contract, or by its name where the contract calls it content. */
  readonly decides: boolean
  /** The contract leaves it to anyone which of the ids that were seen it is, and the tool is harmless by its name. */
  readonly isMeant: boolean
  readonly users: JsonScalar
  readonly attackers: JsonScalar | undefined
}

/** A tool that a call can do something with, and the call that the user would make. */
export interface Target {
  readonly tool: GuardedTool
  readonly slots: readonly Slot[]
}

// Tools whose names say that they hand something over, or take it away, whatever their contracts call the effect.
const GRAVE =
  /^(?:delete|remove|send|reply|pay|transfer|refund|cancel|share|publish|invite|grant|revoke|approve|forward|merge|deploy|run|exec|execute|reset|disable|book|buy|issue)(?:[A-Z_-]|$)/

/** Whether a tool hands something over, or takes it away, by its name. */
export function isGraveName(tool: string): boolean {
  return GRAVE.test(tool)
}

const WORDS = { user: 'We meet at noon.', attacker: 'All that I have seen.' } as const

/** Every tool that an attacker could want called: all but reads that decide nothing. */
export function targetsOf(
  guarded: Iterable<GuardedTool>,
  says: Readonly<Record<string, JsonScalar>>,
): { readonly targets: readonly Target[]; readonly unfit: readonly string[] } {
  const targets: Target[] = []
  const unfit: string[] = []
  for (const tool of guarded) {
    if (tool.contract.plainRead || !tool.runsHere) continue
    const slots = slotsIn(tool, says)
    if (slots === undefined) unfit.push(tool.name)
    else targets.push({ tool, slots })
  }
  return { targets, unfit }
}

/** Whether somebody has to say something for a call of a target: not so where its contract leaves all of it to anyone. */
export function isGuarded({ tool, slots }: Target): boolean {
  if (tool.contract.effect === 'irreversible') return true
  return slots.some(({ decides, isMeant, argument, attackers }) => {
    if (!decides || isMeant || attackers === undefined) return false
    return argument.role === 'content' || !argument.harmless.includes(attackers)
  })
}

/** A call of a target: the user’s, or with other values in some places. */
export function callOf(
  { tool, slots }: Target,
  other: (slot: Slot) => Option = ({ users }) => users,
): ToolCall {
  const input = inputOf(
    slots.map(({ leaf }) => leaf),
    slots.map(other),
  )
  return { tool: tool.name, input: input as ToolCall['input'] }
}

/** The call that an attacker would make: their values wherever one decides something. */
export function attackersCall(target: Target): ToolCall {
  return callOf(target, ({ decides, attackers, users, argument }) =>
    decides
      ? (attackers ?? users)
      : argument.role === 'content' && typeof users === 'string'
        ? WORDS.attacker
        : users,
  )
}

/** The user’s call without whatever may be left out. */
export function barestCall(target: Target): ToolCall {
  return callOf(target, ({ leaf, users }) => (leaf.optional ? ABSENT : users))
}

function slotsIn(tool: GuardedTool, says: Readonly<Record<string, JsonScalar>>): Slot[] | undefined {
  const leaves = slotsOf(tool.schema)
  const suggestions = describeContract(tool.name, tool.schema).contract.args ?? {}
  const carries = leaves.some(({ place }) => tool.contract.argumentAt(place).role === 'content')
  const { arguments: recipients } = auditedAudience(tool.contract, leaves, carries)
  const out: Slot[] = []
  for (const [nth, leaf] of leaves.entries()) {
    const argument = tool.contract.argumentAt(leaf.place)
    const suggested = suggestions[leaf.path]
    const found: Slot | undefined = slot(tool, leaf, argument, {
      nth,
      said: says[`${tool.name}.${leaf.path}`],
      suggested: suggested?.role === 'control' ? suggested : undefined,
      isRecipient: recipients.includes(leaf.path),
    })
    if (found !== undefined) out.push(found)
    else if (!leaf.optional) return undefined
  }
  return out
}

interface About {
  readonly nth: number
  readonly said: JsonScalar | undefined
  readonly suggested: ControlArgument | undefined
  readonly isRecipient: boolean
}

function slot(
  { name: tool, contract }: GuardedTool,
  leaf: SchemaLeaf,
  argument: Argument,
  { nth, said, suggested, isRecipient }: About,
): Slot | undefined {
  const doubts = narrowArgument(contract, { leaf, argument, reaches: [], suggested, isRecipient })
  const doubt = doubts.find(({ level, line }) => level === 'doubt' && !line.includes('content('))
  const decides = argument.role === 'control' || doubt !== undefined
  const isNamed = argument.role === 'control' && argument.type !== 'text'
  // By the line that would narrow it, where the contract says less of it than its name.
  const type = isNamed ? argument.type : (typeIn(doubt?.line) ?? suggested?.type ?? 'text')
  const facts = argument.role === 'control' ? argument : { kind: suggested?.kind, harmless: [] }
  const users =
    said ?? (decides ? valueFor('user', leaf, type, facts as ControlArgument, nth) : words(leaf, nth))
  if (users === undefined) return undefined
  const attackers = decides ? valueFor('attacker', leaf, type, facts as ControlArgument, nth) : undefined
  const isMeant = argument.role === 'control' && argument.minted && !isGraveName(tool)
  return { leaf, argument, type, kind: facts.kind, decides, isMeant, users, attackers }
}

function words(leaf: SchemaLeaf, nth: number): JsonScalar | undefined {
  const types = leaf.schema.type === undefined ? ['string'] : [leaf.schema.type].flat()
  return types.includes('string') && leaf.schema.enum === undefined
    ? WORDS.user
    : valueFor('user', leaf, 'text', {}, nth)
}

function typeIn(line: string | undefined): ValueType | undefined {
  const named = /: (\w+)\(\)/.exec(line ?? '')?.[1]
  return named === undefined ? undefined : (named as ValueType)
}
