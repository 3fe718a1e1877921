import { ConfigError } from './errors.ts'
import { DEVELOPER } from './principal.ts'
import { record, type RunState } from './run-state.ts'
import { beginTurn } from './user-words.ts'

/** The event that starts a run where no person does: a ticket, a schedule. */
export interface Trigger {
  readonly id: string
  /** Fields that the system of record minted, such as the id of the ticket. They are trusted text of the first turn. */
  readonly minted: Readonly<Record<string, string | number>>
  /** What outsiders wrote in it, if anything. Never trusted. */
  readonly prose?: string
}

/** Take in the event that starts a run: its minted fields as trusted text, its prose as anyone's. */
export function hearTrigger(run: RunState, trigger: Trigger): void {
  if (typeof trigger.id !== 'string' || trigger.id === '')
    throw new ConfigError('trigger.id', trigger.id, 'the id of the event')
  if (typeof trigger.minted !== 'object' || trigger.minted === null)
    throw new ConfigError('trigger.minted', trigger.minted, 'an object of what the system of record minted')
  if (trigger.prose !== undefined && typeof trigger.prose !== 'string')
    throw new ConfigError('trigger.prose', trigger.prose, 'the text that outsiders wrote')
  beginTurn(run)
  for (const [key, value] of Object.entries(trigger.minted)) {
    const isValue = typeof value === 'string' ? value !== '' : Number.isFinite(value)
    if (!isValue)
      throw new ConfigError(`trigger.minted.${key}`, value, 'a string that is not empty, or a number')
    const text = String(value)
    const chunk = record(run, { kind: 'trigger', from: trigger.id }, [DEVELOPER], text)
    // In quotation marks, so that a field is taken as a whole.
    run.trusted.add(
      `"${text.replaceAll('"', ' ')}" ${text}`,
      { chunk: chunk.id, turn: run.ledger.turn },
      run.writing,
    )
    run.transcript.remember('user', text, chunk.id)
  }
  if (trigger.prose === undefined) return
  const chunk = record(run, { kind: 'trigger', from: trigger.id }, ['anyone'], trigger.prose.toWellFormed())
  run.transcript.remember('user', trigger.prose, chunk.id)
}
