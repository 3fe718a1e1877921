import { z } from 'zod'
import { GuardError } from '../errors.ts'
import type { Json } from '../json/plain.ts'
import { type Label, label } from '../label/label.ts'
import type { Chunk, Origin } from './chunk.ts'
import type { Ledger, LedgerState } from './ledger.ts'

/** The version of the saved form. A ledger of another version is refused, never guessed at. */
export const LEDGER_VERSION = 1

const json = z.json() as z.ZodType<Json>
const savedLabel = z.strictObject({
  authors: z.array(z.string()).min(1),
  readers: z.array(z.strictObject({ members: z.array(z.string()), assigned: z.boolean() })),
})
const from = z.string().optional()
const savedOrigin = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.enum(['instructions', 'tool-definition', 'user-message', 'participant-message', 'constant']),
  }),
  z.strictObject({ kind: z.enum(['marked', 'file', 'history', 'memory', 'trigger']), from }),
  z.strictObject({ kind: z.enum(['tool-result', 'tool-error']), call: z.string(), tool: z.string() }),
  z.strictObject({ kind: z.literal('model-output'), step: z.int().min(0) }),
  z.strictObject({ kind: z.literal('relabelled'), by: z.string(), reason: z.string() }),
]) satisfies z.ZodType<unknown, Origin>
const savedLedger: z.ZodType<SavedLedger> = z.strictObject({
  version: z.literal(LEDGER_VERSION),
  run: z.string(),
  subject: z.string(),
  tenant: z.string().optional(),
  turn: z.int().min(0),
  labels: z.array(savedLabel),
  chunks: z.array(
    z.strictObject({
      origin: savedOrigin,
      label: z.int(),
      selectedBy: z.int().optional(),
      parents: z.array(z.int()),
      content: json,
      turn: z.int(),
    }),
  ),
  snapshots: z.array(z.strictObject({ turn: z.int(), chunks: z.array(z.int()), cause: z.int() })),
  calls: z.array(
    z.strictObject({
      id: z.string(),
      providerId: z.string(),
      tool: z.string(),
      step: z.int(),
      said: z.int().optional(),
      taken: z.boolean(),
      result: z.int().optional(),
    }),
  ),
  evidence: json,
})

/**
 * A ledger as plain JSON. It holds the contents of the conversation: store it where the conversation is
 * stored, on the server side, and never take it back from a client.
 */
export interface SavedLedger {
  readonly version: typeof LEDGER_VERSION
  readonly run: string
  readonly subject: string
  readonly tenant?: string | undefined
  readonly turn: number
  readonly labels: readonly {
    readonly authors: readonly string[]
    readonly readers: readonly { readonly members: readonly string[]; readonly assigned: boolean }[]
  }[]
  readonly chunks: readonly {
    readonly origin: Origin
    readonly label: number
    readonly selectedBy?: number | undefined
    readonly parents: readonly number[]
    readonly content: Json
    readonly turn: number
  }[]
  readonly snapshots: readonly {
    readonly turn: number
    readonly chunks: readonly number[]
    readonly cause: number
  }[]
  readonly calls: readonly {
    readonly id: string
    readonly providerId: string
    readonly tool: string
    readonly step: number
    readonly said?: number | undefined
    readonly taken: boolean
    readonly result?: number | undefined
  }[]
  /** What the layers above keep with the ledger (executed calls, derived values), as plain JSON. */
  readonly evidence: Json
}

/** A ledger as plain JSON, with its labels listed once. */
export function saveLedger(
  ledger: Ledger,
  of: { run: string; subject: string; tenant?: string | undefined },
  evidence: Json,
): SavedLedger {
  const labels: Label[] = []
  const numbers = new Map<Label, number>()
  const number = (one: Label): number => {
    const known = numbers.get(one)
    if (known !== undefined) return known
    numbers.set(one, labels.length)
    labels.push(one)
    return labels.length - 1
  }
  const chunks = ledger.chunks.map(({ origin, label: own, selectedBy, parents, content, turn }) => ({
    origin: { ...origin },
    label: number(own),
    ...(selectedBy === undefined ? {} : { selectedBy: number(selectedBy) }),
    parents: [...parents],
    content,
    turn,
  }))
  const snapshots = ledger.snapshots.map(({ turn, chunks: ids, cause }) => ({
    turn,
    chunks: [...ids],
    cause: number(cause),
  }))
  return {
    version: LEDGER_VERSION,
    run: of.run,
    subject: of.subject,
    ...(of.tenant === undefined ? {} : { tenant: of.tenant }),
    turn: ledger.turn,
    labels: labels.map(({ authors, readers }) => ({
      authors: [...authors],
      readers: readers.map(({ members, assigned }) => ({ members: [...members], assigned })),
    })),
    chunks,
    snapshots,
    calls: [...ledger.calls].map(({ result, said, ...call }) => ({
      ...call,
      ...(said === undefined ? {} : { said }),
      ...(result === undefined ? {} : { result }),
    })),
    evidence,
  }
}

/**
 * The state of a saved ledger, checked as a whole.
 *
 * @throws {GuardError} `ERR_LEDGER_INVALID` if it is of another version, malformed, or refers to what is not in it.
 */
export function loadLedger(saved: unknown): { state: LedgerState; saved: SavedLedger } {
  const version = (saved as { version?: unknown } | null)?.version
  if (version !== LEDGER_VERSION)
    throw invalid(
      `its version is ${JSON.stringify(version) ?? 'missing'}; this release reads version ${LEDGER_VERSION}`,
    )
  const parsed = savedLedger.safeParse(saved)
  if (!parsed.success)
    throw invalid(`${parsed.error.issues[0]?.path.join('.') ?? 'it'} does not fit the saved form`)
  const { data } = parsed
  const labels = data.labels.map(({ authors, readers }) => label(authors, readers))
  const labelAt = (index: number): Label => labels[index] ?? fail('a label')
  const known = (ids: readonly number[], before: number): readonly number[] =>
    ids.every((id) => id >= 0 && id < before) ? ids : fail('a chunk')
  const chunks: Chunk[] = data.chunks.map((chunk, id) => ({
    id,
    origin: chunk.origin as Origin,
    label: labelAt(chunk.label),
    selectedBy: chunk.selectedBy === undefined ? undefined : labelAt(chunk.selectedBy),
    parents: known(chunk.parents, id),
    content: chunk.content,
    turn: chunk.turn,
  }))
  const snapshots = data.snapshots.map(({ turn, chunks: ids, cause }, step) => ({
    step,
    turn,
    chunks: known(ids, chunks.length),
    cause: labelAt(cause),
  }))
  const calls = data.calls.map((call) => ({
    ...call,
    step: call.step >= 0 && call.step < snapshots.length ? call.step : fail('a step'),
    said: call.said === undefined ? undefined : known([call.said], chunks.length)[0],
    result: call.result === undefined ? undefined : known([call.result], chunks.length)[0],
  }))
  return { state: { chunks, snapshots, calls, turn: data.turn }, saved: data }
}

function fail(what: string): never {
  throw invalid(`it refers to ${what} that is not in it`)
}

function invalid(why: string): GuardError {
  return new GuardError('ERR_LEDGER_INVALID', `A saved ledger cannot be loaded: ${why}.`)
}
