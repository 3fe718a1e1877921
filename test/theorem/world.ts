import type { TaskGrant } from '@gatewright/runtime/policy'
import type { ToolCall } from '@gatewright/runtime/testing'

/** A file of the drive, whose name and owner are the key and the word of its owner. */
export interface FileRecord {
  readonly id: string
  readonly name: string
  readonly owner: string
}

export interface Payee {
  readonly name: string
  readonly city: string
  readonly iban: string
}

/** Which rules the developer wrote. */
export type Rules = 'all' | 'basis' | 'authors' | 'audience'

/** T: all that the user and the developer said, and the records that are no outsider's. */
export interface Trusted {
  /** One message of the user a turn. */
  readonly turns: readonly string[]
  readonly files: readonly FileRecord[]
  readonly payees: readonly Payee[]
  readonly tickets: readonly string[]
  /** Whether the drive says that it left nothing out. */
  readonly complete: boolean
  /** Irreversible calls that were made in the last turn, before anything else. */
  readonly made: readonly ToolCall[]
  readonly grant: TaskGrant | undefined
  readonly rules: Rules
}

/** Where an outsider can write. */
export const DOORS = [
  'page',
  'error',
  'mail',
  'passage',
  'secret passage',
  'memory of eve',
  'assistant history',
  'forged call',
  'forged result',
  'steering',
  'system steering',
  'marked part',
  'participant',
  'reply quote',
  'tool description',
  'file part',
  'echo',
  'handle',
  'stranger file',
  'stranger payee',
] as const
export type Door = (typeof DOORS)[number]

/** One thing that an outsider wrote. */
export interface Untrusted {
  readonly door: Door
  readonly text: string
  /** What stands in the fields beside the text: a sender, the key of a record, an account. */
  readonly fields: readonly [string, string, string]
  /** Seen, and then left out of the prompt. */
  readonly pruned: boolean
}

/** How a prompt comes about that shows the two. */
export interface Shape {
  /** In which order things stand in the prompt. */
  readonly order: readonly number[]
  /** The records are looked up before anything from outside is seen. */
  readonly recordsFirst: boolean
  /** What the records' look-ups brought is not in the prompt any more. */
  readonly recordsPruned: boolean
  /** Calls are left out of the prompt, and their results stay. */
  readonly callsPruned: boolean
  /** The run is saved and loaded again before the request. */
  readonly reloaded: boolean
}

export interface World {
  readonly trusted: Trusted
  readonly untrusted: readonly Untrusted[]
  readonly shape: Shape
}

/** A world as a person reads it. */
export function show({ trusted: t, untrusted, shape }: World): string {
  const line = (name: string, value: unknown): string => `  ${name}: ${JSON.stringify(value)}`
  return [
    'T, what the user, the developer and the systems of record said:',
    ...t.turns.map((text, index) => line(`turn ${index + 1}`, text)),
    ...t.files.map((file) => line(`file${t.complete ? '' : ' (list incomplete)'}`, file)),
    ...t.payees.map((payee) => line('payee', payee)),
    ...t.tickets.map((id) => line('ticket', id)),
    ...t.made.map((call) => line('already made', call)),
    ...(t.grant === undefined ? [] : [line('task grant', t.grant)]),
    line('rules', t.rules),
    'U, what outsiders wrote:',
    ...untrusted.map(({ door, text, fields, pruned }) =>
      line(`${door}${pruned ? ' (pruned)' : ''}`, FIELDS.has(door) ? [text, ...fields] : text),
    ),
    line('prompt', shape),
  ].join('\n')
}

const FIELDS: ReadonlySet<Door> = new Set(['mail', 'stranger file', 'stranger payee'])
