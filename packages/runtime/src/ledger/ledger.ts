import { ANYONE, type Label, label } from '../label/label.ts'
import { join } from '../label/join.ts'
import type { Json } from '../json/plain.ts'
import type { Chunk, Origin } from './chunk.ts'

/** What stood in the prompt of one model request, and the join of it all: the cause of every call it led to. */
export interface Snapshot {
  readonly step: number
  readonly turn: number
  readonly chunks: readonly number[]
  readonly cause: Label
}

/** One call that the model produced, tied to the prompt that caused it. */
export interface CallRecord {
  /** Ours: random, unknown to the model and the provider. */
  readonly id: string
  readonly providerId: string
  readonly tool: string
  readonly step: number
  /** The chunk that holds the call as the model wrote it; none for a call of the guard's own. */
  readonly said: number | undefined
  /** Set once the call has been taken up; a second time is a replay. */
  taken: boolean
  /** The chunk that holds its result or error. */
  result: number | undefined
}

export interface NewChunk {
  readonly origin: Origin
  readonly label: Label
  readonly content: Json
  readonly selectedBy?: Label | undefined
  readonly parents?: readonly number[]
}

/**
 * The append-only record of one run: chunks, what stood in each step's prompt, and the calls that came of it.
 *
 * Nothing is ever changed or removed; a relabelled chunk is a new chunk whose parent is the old one.
 */
export interface Ledger {
  readonly chunks: readonly Chunk[]
  readonly snapshots: readonly Snapshot[]
  readonly turn: number
  append(chunk: NewChunk): Chunk
  /** Begin a turn: only for a new authenticated message of the user, or the start of a triggered run. */
  beginTurn(): number
  /** Record what a model request shows. Its cause is the join of the chunks' labels and of what selected them. */
  snapshot(chunks: readonly number[]): Snapshot
  call(id: string): CallRecord | undefined
  readonly calls: Iterable<CallRecord>
  recordCall(call: Pick<CallRecord, 'id' | 'providerId' | 'tool' | 'step' | 'said'>): CallRecord
}

export interface LedgerState {
  readonly chunks: Chunk[]
  readonly snapshots: Snapshot[]
  readonly calls: CallRecord[]
  readonly turn: number
}

/** An empty ledger, or one that goes on from a loaded state. */
export function createLedger(state: LedgerState = { chunks: [], snapshots: [], calls: [], turn: 0 }): Ledger {
  const chunks = [...state.chunks]
  const snapshots = [...state.snapshots]
  const calls = new Map(state.calls.map((call) => [call.id, call]))
  // No getters: an object that has them is slow to make and to read, and there is a ledger for each run.
  const ledger: Ledger & { turn: number } = {
    chunks,
    snapshots,
    turn: state.turn,
    calls: { [Symbol.iterator]: () => calls.values() },
    append({ origin, label: of, content, selectedBy, parents = [] }) {
      const { turn } = ledger
      const chunk: Chunk = { id: chunks.length, origin, label: of, selectedBy, parents, content, turn }
      chunks.push(chunk)
      return chunk
    },
    beginTurn() {
      ledger.turn += 1
      return ledger.turn
    },
    snapshot(ids) {
      let cause: Label | undefined
      for (const id of ids) {
        const chunk = chunks[id]
        if (chunk === undefined) throw new RangeError('A snapshot names a chunk that is not in this ledger.')
        cause = cause === undefined ? chunk.label : join(cause, chunk.label)
        if (chunk.selectedBy !== undefined) cause = join(cause, chunk.selectedBy)
      }
      // A request that shows nothing we know of has an unknown cause.
      const made = { step: snapshots.length, turn: ledger.turn, chunks: ids, cause: cause ?? label([ANYONE]) }
      snapshots.push(made)
      return made
    },
    call: (id) => calls.get(id),
    recordCall(call) {
      const record: CallRecord = { ...call, taken: false, result: undefined }
      calls.set(call.id, record)
      return record
    },
  }
  return ledger
}
