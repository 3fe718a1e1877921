import { UnavailableError } from '../errors.ts'
import type { Awaitable } from '../policy/decision.ts'
import type { ApprovalRequest } from './approval.ts'
import type { Statement } from './approval-signature.ts'

/** A request and what became of it. */
export interface ApprovalRecord {
  readonly request: ApprovalRequest
  /** `callKey` of its call. */
  readonly key: string
  readonly turn: number | undefined
  readonly answer: ApprovalAnswered | undefined
}

export interface ApprovalAnswered {
  readonly said: Statement
  /** The signed statement itself, checked again when it is spent: the store's word is not taken for a yes. */
  readonly statement: string
  readonly at: Date
}

type CallOptions = { readonly signal: AbortSignal }

/** Where open requests are kept. Everything that changes one happens at most once for each request. */
export interface ApprovalStore {
  add(record: ApprovalRecord, options: CallOptions): Awaitable<void>
  byId(id: string, options: CallOptions): Awaitable<ApprovalRecord | undefined>
  byDigest(digest: string, options: CallOptions): Awaitable<ApprovalRecord | undefined>
  /** Unconsumed requests for this call, oldest first. */
  byKey(key: string, options: CallOptions): Awaitable<readonly ApprovalRecord[]>
  /** Record the answer; false if there is one already, or no such request. */
  answer(id: string, answer: ApprovalAnswered, options: CallOptions): Awaitable<boolean>
  /** Take the request out, to spend or to withdraw it, atomically: true for exactly one caller. */
  consume(id: string, options: CallOptions): Awaitable<boolean>
  /** Unanswered requests, oldest first. */
  open(options: CallOptions): Awaitable<readonly ApprovalRecord[]>
  /**
   * Hear that a request was answered or taken out, if other processes can do that. Left out where they cannot.
   * Once it resolves no change goes unheard, until it is disposed of.
   */
  watch?(id: string, listener: () => void, options: CallOptions): Promise<{ [Symbol.dispose](): void }>
}

/**
 * Requests in this process's memory, for as long as they are open.
 *
 * Expired ones are dropped when room is needed. A run with `perRun` open requests, or a table of `capacity`,
 * takes no more: a request that would push another out is refused instead.
 */
export function memoryApprovalStore(options: {
  readonly now: () => Date
  readonly capacity?: number
  readonly perRun?: number
}): ApprovalStore {
  const { now, capacity = 10_000, perRun = 100 } = options
  const records = new Map<string, ApprovalRecord>()
  const ids = new Map<string, string>()

  function remove(id: string): boolean {
    const record = records.get(id)
    if (record) ids.delete(record.request.digest)
    return records.delete(id)
  }

  return {
    add(record) {
      const { id, run, digest } = record.request
      const at = now()
      let ofRun = 0
      for (const [other, { request }] of records) {
        if (request.expires <= at) remove(other)
        else if (request.run === run) ofRun += 1
      }
      if (records.size >= capacity || ofRun >= perRun || records.has(id))
        throw new UnavailableError(
          'ERR_APPROVALS_UNAVAILABLE',
          'No more approvals can be asked for at present.',
        )
      records.set(id, record)
      ids.set(digest, id)
    },
    byId: (id) => records.get(id),
    byDigest: (digest) => records.get(ids.get(digest) ?? ''),
    byKey: (key) => [...records.values()].filter((record) => record.key === key),
    answer(id, answer) {
      const record = records.get(id)
      if (!record || record.answer) return false
      records.set(id, { ...record, answer })
      return true
    },
    consume: (id) => remove(id),
    open: () => [...records.values()].filter(({ answer }) => answer === undefined),
  }
}
