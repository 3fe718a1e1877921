import type { Tool, ToolSet } from 'ai'
import { ConfigError } from '../errors.ts'
import type { Json } from '../json/plain.ts'
import { join } from '../label/join.ts'
import { label } from '../label/label.ts'
import type { Snapshot } from '../ledger/ledger.ts'
import { type Run, stateOf } from '../run.ts'
import { record, type RunState } from '../run-state.ts'
import { isGuarded } from './guard-tools.ts'

const UNSEEN = 'A prompt that the guard does not see.'

/** One call of a tool, as it came from an agent elsewhere. */
export interface UnseenCall {
  readonly tool: string
  readonly input: unknown
  readonly signal?: AbortSignal
}

/** Chunks that a snapshot names one by one; those before them it names as one. */
const NAMED = 100

/** What an agent elsewhere knew by then, as one chunk that stands for all before `upTo`. */
interface Known {
  readonly chunk: number
  readonly upTo: number
  /** How many chunks were endorsed or declassified by then. */
  readonly relabelled: number
  /** Every chunk that has stood for others: no part of what was heard. */
  readonly all: ReadonlySet<number>
}

const knownTo = new WeakMap<RunState, Known>()

/**
 * Make a call for an agent whose model the guard does not see, through the enforcement point like any other.
 *
 * Nobody knows what stood in that model's prompt, so the cause of the call is anyone's, from the first call on, and
 * holds all that this run has heard and handed out besides: what a result may be shown to still counts.
 *
 * @throws {GuardError} For every refusal. @throws {ConfigError} For a tool that is not one of this run's.
 */
export async function callUnseen(
  run: Run,
  tools: ToolSet,
  { tool: name, input, signal }: UnseenCall,
): Promise<Json> {
  const state = stateOf(run)
  const tool = Object.hasOwn(tools, name) ? (tools[name] as Tool) : undefined
  if (tool === undefined || !isGuarded(run, tool) || typeof tool.execute !== 'function')
    throw new ConfigError(
      'tool',
      name,
      'the name of a tool that guardTools() or guardMcp() returned for this run',
    )
  const { ledger, transcript, guard } = state
  const [unseen] = transcript.find('unknown', UNSEEN)
  if (unseen === undefined) {
    const { id } = record(state, { kind: 'history', from: 'an agent elsewhere' }, ['anyone'], UNSEEN)
    transcript.remember('unknown', UNSEEN, id)
  }
  const { step } = snapshotOfAll(state)
  const call = guard.newId()
  ledger.recordCall({ id: call, providerId: call, tool: name, step, said: undefined })
  const execute = tool.execute as (input: unknown, options: object) => unknown
  return (await execute(input, {
    toolCallId: call,
    messages: [],
    context: {},
    ...(signal === undefined ? {} : { abortSignal: signal }),
  })) as Json
}

/** All that the run has heard and handed out, in a snapshot whose size does not grow with it. */
function snapshotOfAll(state: RunState): Snapshot {
  const { ledger, relabelled } = state
  const before = knownTo.get(state)
  // What was vouched for since may stand for a chunk that is known as part of the whole.
  const known = before?.relabelled === relabelled.size ? before : undefined
  const ids = [
    ...(known === undefined ? [] : [known.chunk]),
    ...ledger.chunks
      .slice(known?.upTo ?? 0)
      .filter(({ id }) => before?.all.has(id) !== true)
      .map(({ id }) => relabelled.get(id) ?? id),
  ]
  const snapshot = ledger.snapshot(ids)
  if (ids.length > NAMED) {
    const upTo = ledger.chunks.length
    const { id } = ledger.append({
      origin: { kind: 'model-output', step: snapshot.step },
      label: join(snapshot.cause, label([state.actor])),
      content: null,
      parents: ids,
    })
    const all = new Set(before?.all).add(id)
    knownTo.set(state, { chunk: id, upTo: upTo + 1, relabelled: relabelled.size, all })
  }
  return snapshot
}
