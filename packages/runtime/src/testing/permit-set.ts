import { attest, type AttestedBy } from '../attest/attest.ts'
import { canonical } from '../attest/canonical.ts'
import type { ControlArgument, ValueType } from '../contract/argument.ts'
import type { InputLeaf } from '../contract/input-shape.ts'
import type { SchemaLeaf } from '../contract/json-schema.ts'
import { decide } from '../decide.ts'
import { ConfigError, GuardError } from '../errors.ts'
import { questionOf } from '../invoke.ts'
import { placeText } from '../json/path.ts'
import { canonicalJson, type Json, type JsonScalar } from '../json/plain.ts'
import { label } from '../label/label.ts'
import { joinAll } from '../label/join.ts'
import type { Snapshot } from '../ledger/ledger.ts'
import { releaseMade } from '../made-calls.ts'
import { type Run, stateOf } from '../run.ts'
import { attesting, checkRunning, isTrusted, type RunState } from '../run-state.ts'
import type { GuardedTool } from '../tool.ts'
import type { ToolCall } from './scripted-model.ts'
import { combinations, variedByOne } from './permit-set/combinations.ts'
import {
  ABSENT,
  filler,
  inputOf,
  listedValues,
  type Option,
  slotsOf,
  typedValues,
  valueAt,
} from './permit-set/slots.ts'
import { visibleValues } from './permit-set/visible-values.ts'

export interface PermitSetOptions {
  /** Which tools to try. Default: all but reads that decide nothing. */
  readonly tools?: readonly string[]
  /** Values to try besides everything visible. */
  readonly values?: readonly JsonScalar[]
  /**
   * The model request from which the calls would come, by its number; or `next`: one that shows all that the run has
   * seen. Default: the latest request, or `next` before there is one.
   */
  readonly step?: number | 'next'
  /** How many values are taken from what is visible. Default 5,000. */
  readonly mostValues?: number
  /** How many whole calls are tried for each tool. Default 256. */
  readonly mostCalls?: number
}

/** A value that an argument could have. */
export interface PermittedValue {
  /** As it would run: the trusted spelling. */
  readonly value: JsonScalar
  readonly by: AttestedBy
}

/** What a control argument could be made to be. */
export interface PermittedArgument {
  /** `recipients.*`, as the schema has it. */
  readonly path: string
  readonly type: ValueType
  /** Any value at all: nothing from outside was seen, and the contract insists on nothing. */
  readonly any: boolean
  /** The values that are attested, each once. */
  readonly values: readonly PermittedValue[]
  /**
   * How many different values it has over the calls that are permitted; infinite where it may be any. Never too
   * few: where not every combination was tried, it counts every attested value.
   */
  readonly choiceLeft: number
}

export interface PermittedTool {
  readonly tool: string
  readonly args: readonly PermittedArgument[]
  /** Whole calls that would run now without a person, as they would run. */
  readonly calls: readonly ToolCall[]
  /** Whether every combination of the values was tried. */
  readonly complete: boolean
}

export interface PermitSet {
  readonly tools: readonly PermittedTool[]
  /** Whether nothing from outside had a hand in the request: then attestation is not asked for. */
  readonly causeTrusted: boolean
  /** How many values were tried. */
  readonly tried: number
  /** Whether all that is visible was tried. */
  readonly complete: boolean
}

const MOST_PROBES = 12

/**
 * The permit-set adversary: everything that the worst possible model could do in the next call of this run.
 *
 * Takes values from all that the run has seen (whole leaves, words, runs of words, what is encoded in them, small
 * variations), asks the guard about each control argument alone, and then about whole calls. Nothing is executed
 * but look-ups, which run as reads as they would for a real call; no person is asked, and nothing is kept of the
 * questions. A list is tried with one item, and keys of free-form objects are left out.
 *
 * @throws {GuardError} `ERR_RUN_ENDED`, or the halt that ended the run.
 */
export async function permitSet(run: Run, options: PermitSetOptions = {}): Promise<PermitSet> {
  const state = stateOf(run)
  checkRunning(state)
  const snapshot = snapshotOf(state, options.step)
  const visible = visibleValues(inOrder(state), options.mostValues ?? 5000)
  const values = [...new Set([...(options.values ?? []), ...visible.values])]
  const tools: PermittedTool[] = []
  for (const tool of toolsOf(state, options.tools))
    tools.push(await permittedTool(state, tool, snapshot, values, options.mostCalls ?? 256))
  return {
    tools,
    causeTrusted: isTrusted(state, snapshot.cause),
    tried: values.length,
    complete: visible.complete,
  }
}

/** Whether this very call would run now without a person. Keeps nothing of the question, as {@link permitSet}. */
export async function wouldPermit(
  run: Run,
  call: ToolCall,
  { step }: Pick<PermitSetOptions, 'step'> = {},
): Promise<boolean> {
  const state = stateOf(run)
  checkRunning(state)
  const [tool] = toolsOf(state, [call.tool])
  return (
    tool !== undefined && (await permitted(state, tool, call.input, snapshotOf(state, step))) !== undefined
  )
}

function toolsOf(run: RunState, names: readonly string[] | undefined): GuardedTool[] {
  if (names === undefined) return [...run.tools.values()].filter(({ contract }) => !contract.plainRead)
  return names.map((name) => {
    const tool = run.tools.get(name)
    if (tool === undefined) throw new ConfigError('tools', name, 'the name of a tool under this run')
    return tool
  })
}

function snapshotOf(run: RunState, step: PermitSetOptions['step']): Snapshot {
  const { snapshots, chunks, turn } = run.ledger
  const made = step === 'next' ? undefined : step === undefined ? snapshots.at(-1) : snapshots[step]
  if (made !== undefined) return made
  if (typeof step === 'number') throw new ConfigError('step', step, 'the number of a request of this run')
  const labels = chunks.flatMap((chunk) => [chunk.label, ...(chunk.selectedBy ? [chunk.selectedBy] : [])])
  const cause = joinAll(labels) ?? label(['anyone'])
  // Made up here, not recorded: the ledger must not know of it.
  return { step: snapshots.length, turn, chunks: chunks.map(({ id }) => id), cause }
}

/** Trusted content first, since what is permitted comes from there, and the rest may be cut. */
function inOrder(run: RunState): Json[] {
  const listed = [...run.tools.values()].flatMap(({ contract }) => contract.contract.constants ?? [])
  const trusted = run.ledger.chunks.filter(({ label: of }) => isTrusted(run, of))
  const others = run.ledger.chunks.filter(({ label: of }) => !isTrusted(run, of))
  return [...listed, ...[...trusted, ...others].map(({ content }) => content)]
}

async function permittedTool(
  run: RunState,
  tool: GuardedTool,
  snapshot: Snapshot,
  values: readonly JsonScalar[],
  mostCalls: number,
): Promise<PermittedTool> {
  const slots = slotsOf(tool.schema)
  const args: Omit<PermittedArgument, 'choiceLeft'>[] = []
  const options: (readonly Option[])[] = []
  const probes: (readonly Option[])[] = []
  for (const slot of slots) {
    const argument = tool.contract.argumentAt(slot.place)
    const absent: readonly Option[] = slot.optional ? [ABSENT] : []
    if (argument.role === 'content') {
      options.push(slot.optional ? absent : [filler(slot)])
      probes.push([])
      continue
    }
    const any = isOpen(run, tool, argument, snapshot)
    const found = await attested(run, tool, slot, argument, snapshot, values)
    const others = unattested(run, slot, argument, values, found)
    args.push({ path: slot.path, type: argument.type, any, values: found })
    options.push([...absent, ...found.map(({ value }) => value), ...(any ? others : [])])
    probes.push(any ? [] : others)
  }
  const calls = new Map<string, ToolCall>()
  const combined = combinations(options, mostCalls)
  for (const chosen of [...combined.list, ...variedByOne(options, probes)]) {
    const input = await permitted(run, tool, inputOf(slots, chosen), snapshot)
    if (input !== undefined)
      calls.set(canonicalJson(input), { tool: tool.name, input: input as ToolCall['input'] })
  }
  const list = [...calls.values()]
  const complete = combined.complete
  return {
    tool: tool.name,
    args: args.map((one) => ({ ...one, choiceLeft: choiceLeft(run, slots, one, list, complete) })),
    calls: list,
    complete,
  }
}

/** With a trusted cause a value needs no attestation; with a standing approval, a person's bounds stand in for it. */
function isOpen(
  run: RunState,
  { name, contract }: GuardedTool,
  argument: ControlArgument,
  { cause }: Snapshot,
): boolean {
  if (run.standing.some(({ tool }) => tool === name)) return true
  return isTrusted(run, cause) && !argument.always && contract.contract.attest !== 'always'
}

async function attested(
  run: RunState,
  tool: GuardedTool,
  slot: SchemaLeaf,
  argument: ControlArgument,
  snapshot: Snapshot,
  values: readonly JsonScalar[],
): Promise<PermittedValue[]> {
  const { lookup } = questionOf(run, invocation(tool, {}, snapshot), run.signal)
  const of = attesting(run, tool.contract.contract.constants ?? [], lookup)
  const found = new Map<string, PermittedValue>()
  const leafOf = leafIn(tool, slot)
  for (const value of typedValues(slot, [...argument.harmless, ...listedValues(slot), ...values])) {
    const leaf = leafOf(value)
    if (leaf === undefined) continue
    const verdict = attest(leaf, argument, of)
    const { by, value: spelled = value } = verdict instanceof Promise ? await verdict : verdict
    if (by === undefined) continue
    const key = identity(run, argument.type, spelled as JsonScalar)
    if (!found.has(key)) found.set(key, { value: spelled as JsonScalar, by })
  }
  return [...found.values()]
}

/** A value as a leaf of the input. Only where the schema has a default, the rest of the input matters to it. */
function leafIn(tool: GuardedTool, slot: SchemaLeaf): (value: JsonScalar) => InputLeaf | undefined {
  const { place } = slot
  if (tool.contract.defaultAt(place) === undefined)
    return (value) => ({ place, value, isDefault: false, isKey: false })
  const text = placeText(place)
  return (value) =>
    tool
      .shape(inputOf([slot], [value]))
      .find(({ isKey, place: other }) => !isKey && placeText(other) === text)
}

/** A few values of the argument's type that nothing attests: the guard is not taken at its word that they ask. */
function unattested(
  run: RunState,
  slot: SchemaLeaf,
  { type }: ControlArgument,
  values: readonly JsonScalar[],
  found: readonly PermittedValue[],
): JsonScalar[] {
  const known = new Set(found.map(({ value }) => identity(run, type, value)))
  const fits = typedValues(slot, [...listedValues(slot), ...values]).filter(
    (value) =>
      value !== '' &&
      !known.has(identity(run, type, value)) &&
      (type === 'choice' || canonical(type, value, run.writing) !== undefined),
  )
  return fits.slice(0, MOST_PROBES)
}

async function permitted(
  run: RunState,
  tool: GuardedTool,
  input: unknown,
  snapshot: Snapshot,
): Promise<Json | undefined> {
  try {
    const decided = await decide(run, questionOf(run, invocation(tool, input, snapshot), run.signal))
    releaseMade(run, decided.reserved)
    return decided.decision.outcome === 'permit' ? decided.input : undefined
  } catch (error) {
    checkRunning(run)
    if (GuardError.isInstance(error)) return undefined
    throw error
  }
}

function invocation(tool: GuardedTool, input: unknown, snapshot: Snapshot): Parameters<typeof questionOf>[1] {
  return { call: 'permit-set', tool, input, snapshot, perform: tool.perform }
}

function choiceLeft(
  run: RunState,
  slots: readonly SchemaLeaf[],
  { path, type, any, values }: Omit<PermittedArgument, 'choiceLeft'>,
  calls: readonly ToolCall[],
  complete: boolean,
): number {
  if (calls.length === 0 && complete) return 0
  if (any) return Number.POSITIVE_INFINITY
  if (!complete) return values.length
  const place = slots.find((slot) => slot.path === path)?.place ?? []
  const used = calls.map(({ input }) => valueAt(input as Json, place))
  return new Set(used.map((value) => (value === undefined ? '' : identity(run, type, value)))).size
}

function identity(run: RunState, type: ValueType, value: JsonScalar): string {
  return canonical(type, value, run.writing)?.key ?? String(value)
}
