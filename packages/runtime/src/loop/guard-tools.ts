import type { Tool, ToolSet } from 'ai'
import type { JSONSchema7 } from 'json-schema'
import { compileContract } from '../contract/compile.ts'
import type { Contract } from '../contract/contract.ts'
import type { Contracts } from '../contract/infer.ts'
import { inputShape } from '../contract/input-shape.ts'
import { checkContracts } from '../contract/lint.ts'
import { ContractError } from '../errors.ts'
import { invoke } from '../invoke.ts'
import { type Json, plainJson } from '../json/plain.ts'
import { ANYONE } from '../label/label.ts'
import type { PrincipalId } from '../principal.ts'
import { type Run, stateOf } from '../run.ts'
import { actingFor, record, registerTools, type RunState } from '../run-state.ts'
import type { Execution, GuardedTool } from '../tool.ts'
import { definitionText } from './label-prompt.ts'
import { type Frame, frames, takeUp } from './take-up.ts'
import { jsonSchemaOf, schemaOf, validatorOf } from './tool-schema.ts'

/** A tool set and its contracts, checked together once. */
export interface GuardedTools {
  readonly tools: ToolSet
  readonly guarded: ReadonlyMap<string, GuardedTool>
  /** Those of which a copy by its entries is a whole copy. */
  readonly plain: ReadonlySet<string>
  /** The definitions that somebody stands for, as the model is to see them. */
  readonly vouched: ReadonlyMap<string, string>
  /** Who stands for them. */
  readonly author: PrincipalId
}

/** Tools that were found at run time, such as those of a server. */
export interface FoundTools {
  /** Where they were found. A tool whose name a tool from elsewhere has, or nearly has, is refused. */
  readonly source: string
  /** Who wrote their names, descriptions and schemas. Default: anyone. */
  readonly definitions?: `operator:${string}` | 'anyone'
}

type Execute = (input: unknown, options: ToolOptions) => unknown
type ToolOptions = Parameters<NonNullable<Tool['execute']>>[1]

/**
 * Check tools and contracts together.
 *
 * @throws {ContractError} For a tool with no contract, a contract with no tool, or one that is not safe to start
 * with; names the key.
 */
export function compileTools(
  tools: ToolSet,
  contracts: object,
  definitions: 'developer' | `operator:${string}` | 'anyone' = 'developer',
  source?: string,
): GuardedTools {
  const byName = contracts as Readonly<Record<string, Contract | undefined>>
  for (const name of Object.keys(byName))
    if (!Object.hasOwn(tools, name))
      throw new ContractError(`contracts.${name}`, name, 'the name of a tool in tools')
  const schemas: Record<string, { input?: JSONSchema7; output?: JSONSchema7 }> = {}
  const guarded = new Map<string, GuardedTool>()
  const plain = new Set<string>()
  const vouched = new Map<string, string>()
  for (const [name, tool] of Object.entries(tools)) {
    const contract = Object.hasOwn(byName, name) ? byName[name] : undefined
    if (contract === undefined)
      throw new ContractError(
        `contracts.${name}`,
        undefined,
        "a contract, such as 'read'",
        'ERR_CONTRACT_MISSING',
      )
    const input = jsonSchemaOf(name, 'inputSchema', tool.inputSchema)
    const output =
      tool.outputSchema === undefined ? undefined : jsonSchemaOf(name, 'outputSchema', tool.outputSchema)
    schemas[name] = { input, ...(output === undefined ? {} : { output }) }
    guarded.set(name, { ...guardedTool(name, tool, contract, input), source })
    if (isPlain(tool)) plain.add(name)
    const definition = definitions === ANYONE ? undefined : definitionOf(name, tool)
    if (definition !== undefined) vouched.set(name, definition)
  }
  checkContracts(
    [...guarded.values()].map(({ contract }) => contract),
    schemas,
  )
  return { tools, guarded, plain, vouched, author: definitions }
}

function guardedTool(name: string, tool: Tool, given: Contract, schema: JSONSchema7): GuardedTool {
  const contract = compileContract(name, given, schema)
  const runsHere = typeof tool.execute === 'function'
  if (!runsHere && contract.contract.providerExecuted !== 'allow')
    throw new ContractError(
      `tools.${name}.execute`,
      tool.execute,
      'a function: only what runs here can be guarded',
    )
  return {
    name,
    contract,
    runsHere,
    schema,
    shape: inputShape(schema),
    validate: validatorOf(tool.inputSchema),
    perform: (input, execution) =>
      (tool.execute as Execute)(
        input,
        executionOptions({ toolCallId: 'guard-lookup', messages: [], context: {} }, execution),
      ),
  }
}

/**
 * The same tools under guard, for `generateText` and `streamText`: each runs only through the enforcement point.
 *
 * The tools given stay as they are. Their `onInput…` callbacks are left out, since they would see what the model
 * wrote before anything was decided. Tools `found` at run time come apart from those that the developer wrote: what
 * they say of themselves is not the developer's word.
 *
 * @throws {ContractError} For a tool with no contract, or a contract that is not safe to start with.
 * @throws {ConfigError} For a name that a tool from elsewhere has.
 */
export function guardTools<const TOOLS extends ToolSet>(
  run: Run,
  tools: TOOLS,
  contracts: Contracts<TOOLS>,
  found?: FoundTools,
): TOOLS {
  const checked =
    found === undefined
      ? compiled(tools, contracts)
      : compileTools(tools, contracts, found.definitions ?? ANYONE, found.source)
  return bindTools(run, checked) as TOOLS
}

const compilations = new WeakMap<object, WeakMap<object, GuardedTools>>()

function compiled(tools: ToolSet, contracts: object): GuardedTools {
  const row = compilations.get(tools) ?? new WeakMap<object, GuardedTools>()
  compilations.set(tools, row)
  const known = row.get(contracts) ?? compileTools(tools, contracts)
  row.set(contracts, known)
  return known
}

/** Put checked tools under a run. */
export function bindTools(run: Run, { tools, guarded, plain, vouched, author }: GuardedTools): ToolSet {
  const state = stateOf(run)
  registerTools(state, guarded.values())
  const out: ToolSet = {}
  for (const [name, tool] of Object.entries(tools)) {
    const under = guarded.get(name)
    if (under === undefined) continue
    const definition = vouched.get(name)
    if (definition !== undefined) vouch(state, name, tool, definition, author)
    out[name] = plain.has(name) ? wrapPlain(state, tool, under) : wrap(state, tool, under)
  }
  return out
}

const wrapped = new WeakMap<Tool, RunState>()

/** Whether a tool is already under this run's guard. */
export function isGuarded(run: Run, tool: Tool): boolean {
  return wrapped.get(tool) === stateOf(run)
}

const CALLBACKS = ['onInputStart', 'onInputDelta', 'onInputAvailable'] as const

function isPlain(tool: Tool): boolean {
  const own = Object.getOwnPropertyDescriptors(tool) as Record<string, PropertyDescriptor>
  return (
    Object.getPrototypeOf(tool) === Object.prototype &&
    Object.getOwnPropertySymbols(tool).length === 0 &&
    Object.values(own).every(
      ({ enumerable, get, set }) => enumerable && get === undefined && set === undefined,
    ) &&
    [...CALLBACKS, 'experimental_toolCaller'].every((key) => !(key in own))
  )
}

/** As `wrap`, and several times as fast, to do and for the SDK to read from. */
function wrapPlain(run: RunState, tool: Tool, guarded: GuardedTool): Tool {
  const made = { ...tool, inputSchema: schemaOf(tool.inputSchema) } as Tool
  if (guarded.runsHere) {
    made.execute = executeUnderGuard(run, tool.execute as Execute, guarded)
    made.toModelOutput = modelOutput(run, tool)
  }
  wrapped.set(made, run)
  return made
}

function wrap(run: RunState, tool: Tool, guarded: GuardedTool): Tool {
  // Spreading would lose what is not enumerable, such as a tool caller.
  const own = Object.getOwnPropertyDescriptors(tool) as Record<string, PropertyDescriptor>
  for (const callback of CALLBACKS) delete own[callback]
  own['inputSchema'] = writable(schemaOf(tool.inputSchema))
  if (guarded.runsHere) {
    own['execute'] = writable(executeUnderGuard(run, tool.execute as Execute, guarded))
    own['toModelOutput'] = writable(modelOutput(run, tool))
  }
  const caller = own['experimental_toolCaller']?.value as { bind?: (tools: ToolSet) => Tool } | undefined
  if (typeof caller?.bind === 'function') {
    const { bind } = caller
    own['experimental_toolCaller'] = {
      ...own['experimental_toolCaller'],
      value: { ...caller, bind: (tools: ToolSet) => wrap(run, bind.call(caller, tools), guarded) },
    }
  }
  const made = Object.create(Object.getPrototypeOf(tool) as object, own) as Tool
  wrapped.set(made, run)
  return made
}

function writable(value: unknown): PropertyDescriptor {
  return { value, enumerable: true, configurable: true, writable: true }
}

function executeUnderGuard(run: RunState, execute: Execute, tool: GuardedTool): Execute {
  const start = async (
    input: unknown,
    options: ToolOptions,
    onPreliminary?: (value: unknown) => void,
  ): Promise<Json> => {
    const outer = frames.getStore()
    const offered = { id: options.toolCallId, input, messages: options.messages }
    const taken = takeUp(run, tool, offered, outer)
    const { call, snapshot } = 'then' in taken ? await taken : taken
    const perform = (final: Json, execution: Execution): unknown => {
      const frame: Frame = { run, call, snapshot, signal: execution.signal, returned: [] }
      return frames.run(frame, () =>
        inFrame(
          frame,
          execute(final, { ...executionOptions(options, execution), acting: actingFor(run) } as ToolOptions),
        ),
      )
    }
    const executed = await invoke(run, {
      call,
      tool,
      input,
      snapshot,
      signal: options.abortSignal,
      perform,
      onPreliminary,
      isNested: outer !== undefined,
      within: outer?.signal,
    })
    outer?.returned.push(executed.chunk)
    return executed.output
  }
  if (!isAsyncGenerator(execute)) return start
  return async function* (input: unknown, options: ToolOptions) {
    const seen: unknown[] = []
    let wake: (() => void) | undefined
    const state = { isOver: false }
    const done = start(input, options, (value) => {
      seen.push(value)
      wake?.()
    }).finally(() => {
      state.isOver = true
      wake?.()
    })
    // The error is thrown below; until then the consumer may be slow to ask.
    done.catch(() => {})
    while (!state.isOver || seen.length > 0) {
      while (seen.length > 0) yield seen.shift()
      if (!state.isOver) await new Promise<void>((resolve) => (wake = resolve))
      wake = undefined
    }
    yield await done
  }
}

function executionOptions(options: ToolOptions, { signal, credentials }: Execution): ToolOptions {
  if (credentials === undefined) return { ...options, abortSignal: signal }
  // In the one place that nothing else sees: the SDK hands its own copy of the context to callbacks and telemetry.
  return { ...options, abortSignal: signal, context: { ...options.context, credentials } }
}

/** A generator runs its body at each step, so each step must be inside the frame. */
function inFrame(frame: Frame, returned: unknown): unknown {
  // A stream is no generator: the enforcement point refuses it as it is.
  const isGenerator = typeof returned === 'object' && returned !== null && Symbol.asyncIterator in returned
  if (!isGenerator || 'getReader' in returned) return returned
  const iterator = (returned as AsyncIterable<unknown>)[Symbol.asyncIterator]()
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => frames.run(frame, () => iterator.next()),
      return: (value: unknown) => iterator.return?.(value) ?? Promise.resolve({ done: true as const, value }),
    }),
  }
}

/** What the model is shown of a result is remembered, so that it is known again in the prompt. */
function modelOutput(run: RunState, tool: Tool): NonNullable<Tool['toModelOutput']> {
  return async (options) => {
    const shown = tool.toModelOutput === undefined ? undefined : await tool.toModelOutput(options)
    if (shown === undefined)
      return typeof options.output === 'string'
        ? { type: 'text', value: options.output }
        : { type: 'json', value: options.output }
    const result = run.ledger.call(options.toolCallId)?.result
    const value = plainJson('value' in shown ? shown.value : null)
    if (!value.ok) return { type: 'error-text', value: 'The tool ran, but its result cannot be shown.' }
    if (result !== undefined) run.transcript.rememberResult(options.toolCallId, value.value, result)
    return ('value' in shown ? { ...shown, value: value.value } : shown) as typeof shown
  }
}

/** The definition of a tool as it was given when wrapping; undefined where it is not the developer's word. */
function definitionOf(name: string, tool: Tool): string | undefined {
  if (tool.type === 'provider')
    return definitionText({ type: 'provider', name, id: tool.id, args: tool.args })
  // A description that is computed at each request may hold anything: it is not the developer's until trusted().
  if (typeof tool.description === 'function') return undefined
  const inputSchema = jsonSchemaOf(name, 'inputSchema', tool.inputSchema)
  const examples = tool.inputExamples as { input: never }[] | undefined
  return definitionText({
    type: 'function',
    name,
    ...(tool.description === undefined ? {} : { description: tool.description }),
    inputSchema,
    ...(examples === undefined ? {} : { inputExamples: examples }),
  })
}

/** What was defined when wrapping is the developer's word, or that of whoever runs the server it came from. */
function vouch(run: RunState, name: string, tool: Tool, text: string, author: PrincipalId): void {
  let chunks = run.transcript.find('tool-definition', text)
  if (chunks.length === 0) {
    const { id } = record(run, { kind: 'tool-definition' }, [author], text, [])
    run.transcript.remember('tool-definition', text, id)
    chunks = run.transcript.find('tool-definition', text)
  }
  if (tool.type === 'provider' || (tool.inputExamples ?? []).length > 0) return
  // The SDK hands on the schema object that it is given, so that the text need not be written to be compared.
  run.definitions.set(name, {
    schema: schemaOf(tool.inputSchema).jsonSchema,
    description: tool.description as string | undefined,
    chunks,
  })
}

function isAsyncGenerator(execute: Execute): boolean {
  return Object.prototype.toString.call(execute) === '[object AsyncGeneratorFunction]'
}
