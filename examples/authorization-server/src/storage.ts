import type { Adapter, AdapterPayload } from 'oidc-provider'

/** What an authorization server keeps, in memory, for each of its kinds of records. */
export interface Storage {
  adapter(kind: string): Adapter
  /** Every record of a kind that has not expired. */
  records(kind: string): AdapterPayload[]
}

interface Kept {
  readonly payload: AdapterPayload
  readonly until: number
}

export function createStorage(): Storage {
  const kinds = new Map<string, Map<string, Kept>>()

  function recordsOf(kind: string): Map<string, Kept> {
    const known = kinds.get(kind) ?? new Map<string, Kept>()
    kinds.set(kind, known)
    return known
  }

  function found(kind: string, matches: (payload: AdapterPayload) => boolean): AdapterPayload | undefined {
    return alive(recordsOf(kind)).find(matches)
  }

  return {
    records: (kind) => alive(recordsOf(kind)),
    adapter: (kind) => ({
      async upsert(id, payload, seconds) {
        recordsOf(kind).set(id, {
          payload,
          until: seconds === undefined ? Infinity : Date.now() + seconds * 1000,
        })
      },
      async find(id) {
        const kept = recordsOf(kind).get(id)
        return kept !== undefined && kept.until > Date.now() ? kept.payload : undefined
      },
      findByUserCode: async (code) => found(kind, ({ userCode }) => userCode === code),
      findByUid: async (uid) => found(kind, (payload) => payload.uid === uid),
      async consume(id) {
        const kept = recordsOf(kind).get(id)
        if (kept !== undefined) kept.payload.consumed = Math.floor(Date.now() / 1000)
      },
      async destroy(id) {
        recordsOf(kind).delete(id)
      },
      async revokeByGrantId(grant) {
        for (const [id, { payload }] of recordsOf(kind))
          if (payload.grantId === grant) recordsOf(kind).delete(id)
      },
    }),
  }
}

function alive(records: ReadonlyMap<string, Kept>): AdapterPayload[] {
  return [...records.values()].filter(({ until }) => until > Date.now()).map(({ payload }) => payload)
}
