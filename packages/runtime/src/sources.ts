import type { LeafVerdict } from './attest/attest.ts'
import { labelResult } from './attest/label-result.ts'
import type { ApprovalSource } from './control/approval.ts'
import { type Leaf, leaves, placeText } from './json/path.ts'
import type { Json } from './json/plain.ts'
import type { Chunk } from './ledger/chunk.ts'
import type { Snapshot } from './ledger/ledger.ts'
import { isTrusted, type RunState } from './run-state.ts'

const MOST_LEAVES = 40

/**
 * Every untrusted chunk that led to a prompt, the ones behind the model's own words included. What cannot be traced
 * counts as a source of its own.
 */
export function untrustedSources(run: RunState, { chunks }: Snapshot): ReadonlySet<number> {
  const found = new Set<number>()
  const seen = new Set<number>()
  const open = [...chunks]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const chunk = run.ledger.chunks[id]
    if (chunk === undefined || seen.has(id)) continue
    seen.add(id)
    const { origin, label, selectedBy } = chunk
    const isSaidByTrusted = isTrusted(run, label)
    const isSelectedByTrusted = selectedBy === undefined || isTrusted(run, selectedBy)
    if (isSaidByTrusted && isSelectedByTrusted) continue
    const isModels = origin.kind === 'model-output'
    const step = isModels ? origin.step : 'call' in origin ? run.ledger.call(origin.call)?.step : undefined
    const prompt = step === undefined ? undefined : run.ledger.snapshots[step]
    if (prompt !== undefined) open.push(...prompt.chunks)
    const isSource = !isSaidByTrusted && !isModels && !onlyRepeats(run, chunk)
    if (isSource || prompt === undefined) found.add(id)
  }
  return found
}

/** Whether a result is trusted but for the arguments that it stands for: these came from its own prompt. */
function onlyRepeats(run: RunState, { id }: Chunk): boolean {
  const call = run.evidence.calls.find(({ chunk }) => chunk.id === id)
  return call !== undefined && isTrusted(run, labelResult({ ...call, args: [] }).label)
}

/**
 * Which untrusted source each value of a call came from, for a person to judge: the chunks of the prompt that
 * hold the value, named by us. Looks through the prompt, so it is for calls that wait for a person anyway.
 */
export function sourcesOf(
  run: RunState,
  snapshot: Snapshot,
  input: Json,
  verdicts: readonly LeafVerdict[],
): ApprovalSource[] {
  const attested = new Set(verdicts.filter(({ by }) => by !== undefined).map(({ place }) => placeText(place)))
  const untrusted = snapshot.chunks
    .map((id) => run.ledger.chunks[id])
    .filter(
      (chunk): chunk is Chunk =>
        chunk !== undefined && !isTrusted(run, chunk.label) && chunk.origin.kind !== 'model-output',
    )
  return (leaves(input) as Leaf[])
    .filter(({ place, value }) => typeof value !== 'object' && !attested.has(placeText(place)))
    .slice(0, MOST_LEAVES)
    .map(({ place, value }) => {
      const text = String(value)
      const from = untrusted.find(({ content }) => holds(content, text.toLowerCase()))
      return {
        path: placeText(place),
        value: text,
        from: from === undefined ? 'the model (in no source word for word)' : originText(from),
        authors: from?.label.authors ?? snapshot.cause.authors,
      }
    })
}

/** Where a chunk came from, in words of ours. */
export function originText({ origin }: Chunk): string {
  switch (origin.kind) {
    case 'tool-result':
      return `result of ${origin.tool}`
    case 'tool-error':
      return `error of ${origin.tool}`
    case 'model-output':
      return 'words of the model'
    case 'instructions':
      return 'instructions'
    case 'tool-definition':
      return 'definition of a tool'
    case 'user-message':
      return 'message of the user'
    case 'participant-message':
      return 'message of another participant'
    case 'constant':
      return 'constant of the developer'
    case 'relabelled':
      return `relabelled by ${origin.by}`
    case 'marked':
    case 'file':
    case 'history':
    case 'memory':
    case 'trigger':
      return origin.from === undefined ? WORDS[origin.kind] : `${WORDS[origin.kind]} (${origin.from})`
    default:
      return origin satisfies never
  }
}

const WORDS = {
  marked: 'content that the developer marked as untrusted',
  file: 'file in a message',
  history: 'history of unknown origin',
  memory: 'memory',
  trigger: 'event that started the run',
} as const

function holds(content: Json, text: string): boolean {
  if (typeof content === 'string') return content.toLowerCase().includes(text)
  if (Array.isArray(content)) return content.some((item: Json) => holds(item, text))
  if (typeof content === 'object' && content !== null)
    return Object.entries(content).some(
      ([key, value]) => key.toLowerCase().includes(text) || holds(value, text),
    )
  return content !== null && String(content).toLowerCase() === text
}
