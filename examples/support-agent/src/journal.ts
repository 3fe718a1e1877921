import type { AuditEvent, AuditSink, Run } from '@gatewright/runtime'
import { unhidden } from './instructions.ts'
import { isRead, saw, textsIn } from './reading.ts'
import type { Entry, Standing } from './timeline.ts'

type Decision = Extract<AuditEvent, { type: 'decision' }>
type Input = Readonly<Record<string, unknown>>

/** An audit sink that can be read as a story. */
export interface Journal extends AuditSink {
  /** Put down what happened outside the guard. */
  note(text: string): void
  /** Put down what the model said in a call: of content, the audit keeps the length alone. */
  called(call: string, input: unknown): void
  /** How many calls a person was asked about, or would have been if somebody were there. */
  prompts(): number
  told(run: Run, answer: string): Entry[]
}

export function createJournal(trusted: readonly string[]): Journal {
  const lines: (AuditEvent | string)[] = []
  const said = new Map<string, Input>()
  const events = (): AuditEvent[] => lines.filter((line) => typeof line !== 'string')

  function entryOf(event: AuditEvent, run: Run): Entry[] {
    switch (event.type) {
      case 'decision':
        // What is asked of a person is told by the person's side; what came of it is a decision of its own.
        return event.outcome === 'ask' ? [] : [callEntry(event, run)]
      case 'outcome':
        if (event.code === 'ERR_TOOL_CHANGED')
          return [{ kind: 'note', text: `${event.tool} is no longer the tool that was accepted: not called` }]
        return isRead(event.tool) ? (event.chunks ?? []).flatMap((id) => sawEntry(id, event.tool, run)) : []
      case 'halt':
        return [{ kind: 'note', text: `${event.by} halts the agent: ${event.reason}` }]
      default:
        return []
    }
  }

  function callEntry(event: Decision, run: Run): Entry {
    const { call, tool, outcome, code, reasons, approval } = event
    const audited = event.input as Input
    const known = Object.entries(audited).filter(([, value]) => typeof value !== 'object')
    return {
      kind: 'call',
      tool,
      input: { ...(said.get(call) ?? audited), ...Object.fromEntries(known) },
      outcome: outcome === 'permit' ? 'permitted' : 'blocked',
      ...(code === undefined ? {} : { code }),
      reasons: reasons
        .filter((reason) => reason.outcome !== 'permit')
        .map(({ rule, path, text }) => ({ rule, text, ...(path === undefined ? {} : { path }) })),
      standing: event.arguments.map(({ path, standing }) =>
        standing === 'unattested' ? unattested(path, audited, run) : { path, by: standing, foundIn: [] },
      ),
      ...(approval?.by === undefined ? {} : { approvedBy: approval.by }),
    }
  }

  function sawEntry(id: number, tool: string, { chunks }: Run): Entry[] {
    const chunk = chunks[id]
    if (chunk === undefined) return []
    const authors = chunk.label.authors.map((name) => ({ name, trusted: trusted.includes(name) }))
    return [saw(tool, chunk.content, authors)]
  }

  return {
    write: (event) => void lines.push(event),
    note: (text) => void lines.push(text),
    called: (call, input) => void said.set(call, input as Input),
    prompts: () => events().filter((event) => event.type === 'decision' && event.outcome === 'ask').length,
    told(run, answer) {
      const timeline = lines.flatMap((line): Entry[] =>
        typeof line === 'string' ? [{ kind: 'note', text: line }] : entryOf(line, run),
      )
      const taken = events().map((event) => (event.type === 'answer' ? event.links + event.images : 0))
      if (answer !== '')
        timeline.push({ kind: 'answer', text: answer, removed: taken.reduce((sum, one) => sum + one, 0) })
      return timeline
    },
  }
}

function unattested(path: string, input: Input, { chunks }: Run): Standing {
  const value = String(input[path])
  const foundIn = chunks.flatMap(({ origin, content }) =>
    origin.kind === 'tool-result' && plain(textsIn(content)).includes(plain(value)) ? [origin.tool] : [],
  )
  return { path, by: 'unattested', foundIn: [...new Set(foundIn)] }
}

/** Without what people put between digits, and with what they hide. */
function plain(text: string): string {
  return unhidden(text).replaceAll(/[\s,]/g, '')
}
