import type { JSONValue, LanguageModelV4Prompt } from '@ai-sdk/provider'
import type { StillShown } from '../contract/contract.ts'
import { canonicalJson, type Json, plainJson } from '../json/plain.ts'
import { actingFor, type RunState } from '../run-state.ts'
import type { GuardedTool } from '../tool.ts'
import { shownValue } from './label-prompt.ts'

export type ToolResultPart = Extract<
  Extract<LanguageModelV4Prompt[number], { role: 'tool' }>['content'][number],
  { type: 'tool-result' }
>

/** What stands in the place of a result that may no longer be shown: the same for all, so that it tells nothing else. */
export const WITHHELD: ToolResultPart['output'] = {
  type: 'text',
  value: 'This result may no longer be shown. Call the tool again if what it returned is still needed.',
}

/** What stands in the place of results that may no longer be shown, or not in full. */
export type Replaced = ReadonlyMap<ToolResultPart, ToolResultPart['output']>

/** One question about an earlier result; a failure is a no. */
interface Asked {
  readonly part: ToolResultPart
  readonly tool: GuardedTool
  /** The chunk that holds it; undefined for what the run does not recognise. */
  readonly chunk: number | undefined
  readonly value: Json
}

interface Answers {
  readonly turn: number
  /** By chunk, for the rest of the turn. */
  readonly byChunk: Map<number, Promise<StillShown>>
}

const answersOf = new WeakMap<RunState, Answers>()

/**
 * The results of earlier turns in a prompt that may no longer be shown, or not in full, as the contracts of their tools
 * say, and what is shown instead.
 *
 * Each is asked about once a turn. A result that the run does not recognise is asked about at every request, as it
 * stands: an edited copy of a result is no way round.
 */
export function withheldResults(run: RunState, prompt: LanguageModelV4Prompt): Promise<Replaced> | undefined {
  const asked = prompt.flatMap((message) =>
    message.role === 'tool'
      ? message.content.flatMap((part) => (part.type === 'tool-result' ? (questionOf(run, part) ?? []) : []))
      : [],
  )
  return asked.length === 0 ? undefined : answered(run, asked)
}

function questionOf(run: RunState, part: ToolResultPart): Asked | undefined {
  const tool = run.tools.get(run.ledger.call(part.toolCallId)?.tool ?? part.toolName)
  if (tool?.contract.contract.revalidate === undefined) return undefined
  const shown = shownValue(part.output)
  const chunk = run.transcript.findResult(part.toolCallId, shown)
  const known = chunk === undefined ? undefined : run.ledger.chunks[chunk]
  // Errors and refusals are no results.
  if (known !== undefined && known.origin.kind !== 'tool-result') return undefined
  if (known !== undefined && known.turn === run.ledger.turn) return undefined
  const plain = plainJson(shown)
  return { part, tool, chunk, value: known?.content ?? (plain.ok ? plain.value : null) }
}

async function answered(run: RunState, asked: readonly Asked[]): Promise<Replaced> {
  const before = answersOf.get(run)
  const answers: Answers =
    before?.turn === run.ledger.turn ? before : { turn: run.ledger.turn, byChunk: new Map() }
  answersOf.set(run, answers)
  const fresh = asked.filter(({ chunk }) => chunk === undefined || !answers.byChunk.has(chunk))
  const byTool = Map.groupBy(fresh, ({ tool }) => tool)
  const unknown = new Map<ToolResultPart, Promise<StillShown>>()
  for (const [tool, of] of byTool) {
    const all = ask(run, tool, of)
    // What could not be recorded is thrown below, and asked again at the next request.
    all.catch(() => of.forEach(({ chunk }) => chunk !== undefined && answers.byChunk.delete(chunk)))
    of.forEach(({ part, chunk }, at) => {
      const one = all.then((answer) => answer[at] ?? false)
      one.catch(() => {})
      if (chunk === undefined) unknown.set(part, one)
      else answers.byChunk.set(chunk, one)
    })
  }
  const replaced = new Map<ToolResultPart, ToolResultPart['output']>()
  for (const one of asked) {
    const { part, chunk } = one
    const may = (await (chunk === undefined ? unknown.get(part) : answers.byChunk.get(chunk))) ?? false
    if (may !== true) replaced.set(part, insteadOf(one, may))
  }
  return replaced
}

async function ask(run: RunState, tool: GuardedTool, of: readonly Asked[]): Promise<readonly StillShown[]> {
  let given: readonly unknown[] = []
  try {
    const all = await tool.contract.contract.revalidate?.(
      of.map(({ value }) => value),
      { acting: actingFor(run), signal: run.signal },
    )
    // Answers that cannot be matched to results are no answers.
    if (Array.isArray(all) && all.length === of.length) given = all
  } catch {}
  const answers = of.map((one, at) => answerOf(one, given[at]))
  if (answers.some((answer) => answer !== true)) {
    const chunksWith = (is: (answer: StillShown | undefined) => boolean): number[] =>
      of.flatMap(({ chunk }, at) => (chunk !== undefined && is(answers[at]) ? [chunk] : []))
    await run.audit.record(
      {
        type: 'withheld',
        tool: tool.name,
        turn: run.ledger.turn,
        chunks: chunksWith((answer) => answer === false),
        inPart: chunksWith((answer) => typeof answer === 'object'),
      },
      { signal: run.signal },
    )
  }
  return answers
}

/** An answer that is none of those that there are is a no. */
function answerOf({ value }: Asked, given: unknown): StillShown {
  if (given === true) return true
  const { only } = (given ?? {}) as { readonly only?: unknown }
  const plain = only === undefined ? undefined : plainJson(only)
  return plain?.ok === true && isPartOf(plain.value, value) ? { only: plain.value } : false
}

function insteadOf({ part, chunk, value }: Asked, may: Exclude<StillShown, true>): ToolResultPart['output'] {
  if (may === false) return WITHHELD
  // Of what the run does not recognise, or what was shown in a form of its own, nobody can say what is which part.
  const isAsReturned = chunk !== undefined && part.output.type === 'json' && isSame(part.output.value, value)
  return isAsReturned ? { type: 'json', value: may.only as JSONValue } : WITHHELD
}

function isSame(shown: unknown, value: Json): boolean {
  if (shown === value) return true
  const plain = plainJson(shown)
  return plain.ok && canonicalJson(plain.value) === canonicalJson(value)
}

/** Whether a value is another one with properties and members of lists left out, in the same order. */
function isPartOf(part: Json, whole: Json): boolean {
  if (typeof part !== 'object' || part === null) return part === whole
  if (typeof whole !== 'object' || whole === null) return false
  if (Array.isArray(part) !== Array.isArray(whole)) return false
  if (!Array.isArray(part))
    return Object.entries(part).every(
      ([key, own]) =>
        Object.hasOwn(whole, key) && isPartOf(own, (whole as Record<string, Json>)[key] as Json),
    )
  let at = 0
  const members = whole as readonly Json[]
  return part.every((own: Json) => {
    while (at < members.length && !isPartOf(own, members[at] as Json)) at += 1
    at += 1
    return at <= members.length
  })
}
