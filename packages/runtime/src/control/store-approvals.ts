import { UnavailableError } from '../errors.ts'
import type { Store, StoreRecord } from '../store/store.ts'
import type { ApprovalAnswered, ApprovalRecord, ApprovalStore } from './approval-store.ts'

export interface StoreApprovalsOptions {
  readonly store: Store
  readonly now: () => Date
  /** Most requests that a run may have open; beyond it new ones are refused. Default 100. */
  readonly perRun?: number
}

/** Where the parts of a request are found by its id. They never change. */
interface Pointer {
  readonly key: string
  readonly run: string
  readonly digest: string
}

// Kept a little past its deadline, so that who comes late hears that it is expired rather than unknown.
const KEPT_MS = 10 * 60_000
const TRIES = 5

/**
 * Requests in a store: asked in one process, answered in another, and spent by exactly one.
 *
 * They outlive a restart where the store does, and go some time after their deadline.
 */
export function storeApprovals({ store, now, perRun = 100 }: StoreApprovalsOptions): ApprovalStore {
  type Options = Parameters<ApprovalStore['byId']>[1]

  function left({ request }: ApprovalRecord): number {
    return Math.max(1, request.expires.getTime() - now().getTime()) + KEPT_MS
  }

  async function pointerOf(id: string, options: Options): Promise<Pointer | undefined> {
    const found = await store.get(idKey(id), options)
    return found && (JSON.parse(found.value) as Pointer)
  }

  async function find(id: string, options: Options): Promise<StoreRecord | undefined> {
    const pointer = await pointerOf(id, options)
    return pointer && store.get(recordKey(pointer.key, id), options)
  }

  async function listed(prefix: string, options: Options): Promise<ApprovalRecord[]> {
    const found = await store.list(prefix, options)
    return found
      .map(({ value }) => parsed(value))
      .toSorted((a, b) => a.request.asked.getTime() - b.request.asked.getTime())
  }

  return {
    async add(record, options) {
      const { id, run, digest } = record.request
      const timed = { ...options, ttlMs: left(record) }
      const open = await store.list(runKey(run, ''), options)
      const pointer: Pointer = { key: record.key, run, digest }
      // An id is used once. The record comes last: until then nobody finds a half-written request.
      const isNew =
        open.length < perRun &&
        (await store.compareAndSet(idKey(id), 0, JSON.stringify(pointer), timed)) !== undefined
      if (!isNew)
        throw new UnavailableError(
          'ERR_APPROVALS_UNAVAILABLE',
          'No more approvals can be asked for at present.',
        )
      await store.compareAndSet(digestKey(digest), 0, id, timed)
      await store.compareAndSet(runKey(run, id), 0, '', { ...options, ttlMs: timed.ttlMs - KEPT_MS })
      await store.compareAndSet(recordKey(record.key, id), 0, JSON.stringify(record), timed)
    },
    async byId(id, options) {
      const found = await find(id, options)
      return found && parsed(found.value)
    },
    async byDigest(digest, options) {
      const id = await store.get(digestKey(digest), options)
      const found = id && (await find(id.value, options))
      return found && parsed(found.value)
    },
    byKey: async (key, options) => listed(recordKey(key, ''), options),
    async answer(id, answer, options) {
      for (let i = 0; i < TRIES; i += 1) {
        const found = await find(id, options)
        const record = found && parsed(found.value)
        if (!found || !record || record.answer) return false
        const value = JSON.stringify({ ...record, answer })
        const timed = { ...options, ttlMs: left(record) }
        if ((await store.compareAndSet(found.key, found.version, value, timed)) !== undefined) return true
      }
      return false
    },
    async consume(id, options) {
      const pointer = await pointerOf(id, options)
      if (!pointer) return false
      if ((await store.consume(recordKey(pointer.key, id), options)) === undefined) return false
      try {
        await store.consume(runKey(pointer.run, id), options)
        await store.consume(digestKey(pointer.digest), options)
        await store.consume(idKey(id), options)
      } catch {
        // The request itself is spent; what points to it goes with time.
      }
      return true
    },
    async open(options) {
      const found = await listed(`${RECORDS}/`, options)
      return found.filter(({ answer }) => answer === undefined)
    },
    async watch(id, listener, options) {
      const pointer = await pointerOf(id, options)
      return store.watch(pointer ? recordKey(pointer.key, id) : idKey(id), () => listener(), options)
    },
  }
}

const RECORDS = 'approval/of'

function recordKey(key: string, id: string): string {
  return `${RECORDS}/${encodeURIComponent(key)}/${encodeURIComponent(id)}`
}

function idKey(id: string): string {
  return `approval/id/${encodeURIComponent(id)}`
}

function digestKey(digest: string): string {
  return `approval/digest/${encodeURIComponent(digest)}`
}

function runKey(run: string, id: string): string {
  return `approval/run/${encodeURIComponent(run)}/${encodeURIComponent(id)}`
}

function parsed(value: string): ApprovalRecord {
  const record = JSON.parse(value) as ApprovalRecord
  const { request, answer } = record
  return {
    ...record,
    turn: record.turn,
    request: {
      ...request,
      destination: request.destination,
      tenant: request.tenant,
      approvers: request.approvers,
      asked: new Date(request.asked),
      expires: new Date(request.expires),
    },
    answer: answer && answered(answer),
  }
}

function answered(answer: ApprovalAnswered): ApprovalAnswered {
  const { decidedAt, authenticatedAt } = answer.said
  return {
    ...answer,
    at: new Date(answer.at),
    said: {
      ...answer.said,
      decidedAt: new Date(decidedAt),
      authenticatedAt: authenticatedAt && new Date(authenticatedAt),
    },
  }
}
