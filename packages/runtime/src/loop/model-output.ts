import type { LanguageModelV4Content, LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { answerFilter, type AnswerFilter } from '../egress/answer-filter.ts'
import { originAllowed } from '../egress/destinations.ts'
import type { Snapshot } from '../ledger/ledger.ts'
import { isTrusted, type RunState } from '../run-state.ts'
import { outputChunk } from './label-prompt.ts'
import type { Taker } from './through.ts'
import { rememberMetadata } from './provider-options.ts'

/**
 * Record what the model produced in a step: its words as chunks, its calls under ids of ours.
 *
 * Links that outsiders may have put into the words are made inert, secrets are redacted, and what only a client or
 * a provider may say (an approval, a tool that the provider ran unasked) is dropped.
 */
export function takeContent(
  run: RunState,
  snapshot: Snapshot,
  content: readonly LanguageModelV4Content[],
): LanguageModelV4Content[] {
  const out: LanguageModelV4Content[] = []
  for (const part of content) {
    if ('providerMetadata' in part) rememberMetadata(run, part.providerMetadata)
    if (part.type === 'text' || part.type === 'reasoning') {
      const filter = filterFor(run, snapshot)
      const text = filter.push(part.text) + filter.end()
      auditAnswer(run, filter)
      rememberText(run, snapshot, text)
      out.push({ ...part, text })
    } else if (part.type === 'tool-call') {
      if (part.providerExecuted === true) {
        if (providerMayRun(run, part.toolName)) out.push(part)
      } else
        out.push({ ...part, toolCallId: takeCall(run, snapshot, part.toolName, part.toolCallId, part.input) })
    } else if (part.type === 'tool-result') {
      if (providerMayRun(run, part.toolName)) out.push(part)
    } else if (part.type !== 'tool-approval-request') out.push(part)
  }
  return out
}

/** The same for a stream. Words are held back only as long as they could be the start of a link or a secret. */
export function takeStream(run: RunState, snapshot: Snapshot): Taker<LanguageModelV4StreamPart> {
  const texts = new Map<string, { kind: 'text' | 'reasoning'; filter: AnswerFilter; text: string }>()
  const started = new Map<string, string[]>()
  return {
    take(part, give) {
      if ('providerMetadata' in part) rememberMetadata(run, part.providerMetadata)
      switch (part.type) {
        case 'text-start':
        case 'reasoning-start':
          texts.set(part.id, {
            kind: part.type === 'text-start' ? 'text' : 'reasoning',
            filter: filterFor(run, snapshot),
            text: '',
          })
          give(part)
          return
        case 'text-delta':
        case 'reasoning-delta': {
          const open = texts.get(part.id)
          if (open === undefined) return
          const delta = open.filter.push(part.delta)
          open.text += delta
          if (delta !== '') give({ ...part, delta })
          return
        }
        case 'text-end':
        case 'reasoning-end': {
          const open = texts.get(part.id)
          if (open === undefined) return
          const rest = open.filter.end()
          if (rest !== '')
            give({
              type: part.type === 'text-end' ? 'text-delta' : 'reasoning-delta',
              id: part.id,
              delta: rest,
            })
          auditAnswer(run, open.filter)
          rememberText(run, snapshot, open.text + rest)
          texts.delete(part.id)
          give(part)
          return
        }
        case 'tool-input-start': {
          if (part.providerExecuted === true) {
            if (providerMayRun(run, part.toolName)) give(part)
            return
          }
          const id = run.guard.newId()
          started.set(part.id, [...(started.get(part.id) ?? []), id])
          give({ ...part, id })
          return
        }
        case 'tool-input-delta':
        case 'tool-input-end':
          give({ ...part, id: started.get(part.id)?.at(-1) ?? part.id })
          return
        case 'tool-call': {
          if (part.providerExecuted === true) {
            if (providerMayRun(run, part.toolName)) give(part)
            return
          }
          const [id, ...rest] = started.get(part.toolCallId) ?? []
          started.set(part.toolCallId, rest)
          const toolCallId = takeCall(run, snapshot, part.toolName, part.toolCallId, part.input, id)
          give({ ...part, toolCallId })
          return
        }
        case 'tool-result':
          if (providerMayRun(run, part.toolName)) give(part)
          return
        case 'tool-approval-request':
          return
        default:
          give(part)
      }
    },
    end(give) {
      // A stream that breaks off loses nothing that was held back.
      for (const [id, { kind, filter }] of texts) {
        const delta = filter.end()
        if (delta !== '') give({ type: `${kind}-delta`, id, delta })
      }
    },
  }
}

/** Whether a provider may run this tool out of our sight: only where its contract says so. */
export function providerMayRun(run: RunState, tool: string): boolean {
  return run.tools.get(tool)?.contract.contract.providerExecuted === 'allow'
}

function takeCall(
  run: RunState,
  snapshot: Snapshot,
  tool: string,
  providerId: string,
  input: string,
  id: string = run.guard.newId(),
): string {
  const cause = withInner(run, snapshot, providerId)
  const said = outputChunk(run, cause, `${tool} ${input}`)
  run.ledger.recordCall({ id, providerId, tool, step: cause.step, said })
  run.transcript.rememberInput(id, input)
  return id
}

/**
 * Where the guard is around a model twice, something between the two may have added to the request: what the
 * inner one saw counts as well.
 */
function withInner(run: RunState, snapshot: Snapshot, providerId: string): Snapshot {
  const inner = run.ledger.call(providerId)
  const seen = inner && run.ledger.snapshots[inner.step]
  return seen === undefined ? snapshot : run.ledger.snapshot([...seen.chunks, ...snapshot.chunks])
}

function rememberText(run: RunState, snapshot: Snapshot, text: string): void {
  if (text !== '') run.transcript.remember('assistant', text, outputChunk(run, snapshot, text))
}

function filterFor(run: RunState, snapshot: Snapshot): AnswerFilter {
  const everyLink = isTrusted(run, snapshot.cause)
  const { linkOrigins } = run.guard
  return answerFilter({
    allowed: (href) =>
      everyLink || originAllowed(href, linkOrigins) || run.trusted.quote('url', href) !== undefined,
  })
}

function auditAnswer(run: RunState, { removed, secrets }: AnswerFilter): void {
  if (removed.length === 0 && secrets === 0) return
  const images = removed.filter(({ image }) => image).length
  void Promise.resolve(
    run.audit.record(
      { type: 'answer', links: removed.length - images, images, secrets },
      { signal: run.signal },
    ),
  ).catch(() => {})
}
