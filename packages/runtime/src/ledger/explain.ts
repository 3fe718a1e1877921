import type { Chunk } from './chunk.ts'
import type { Ledger } from './ledger.ts'

/** One chunk on the way from a call back to its sources. */
export interface Source {
  readonly chunk: Chunk
  /** The call whose result this chunk is, where it is one. */
  readonly call: string | undefined
  /** How many derivations away from the asked-for call: 0 stood in its own prompt. */
  readonly distance: number
}

/** From a call back to everything that led to it. */
export interface Explanation {
  readonly call: string
  readonly tool: string
  readonly turn: number
  /** Each source once, the nearest first; content as it stood. */
  readonly sources: readonly Source[]
}

/**
 * The path from a call back to its sources: the prompt it came from, the calls whose results stood in that
 * prompt, and so on. Undefined for a call that this ledger does not know.
 */
export function explain(ledger: Ledger, callId: string): Explanation | undefined {
  const call = ledger.call(callId)
  const asked = call && ledger.snapshots[call.step]
  if (call === undefined || asked === undefined) return undefined
  const seen = new Map<number, Source>()
  let frontier = [...asked.chunks]
  for (let distance = 0; frontier.length > 0; distance += 1) {
    const next: number[] = []
    for (const id of frontier) {
      const chunk = ledger.chunks[id]
      if (chunk === undefined || seen.has(id)) continue
      const from = 'call' in chunk.origin ? chunk.origin.call : undefined
      seen.set(id, { chunk, call: from, distance })
      next.push(...chunk.parents)
      const behind = from === undefined ? undefined : ledger.call(from)
      const prompt = behind && ledger.snapshots[behind.step]
      if (prompt !== undefined) next.push(...prompt.chunks)
    }
    frontier = next
  }
  return { call: callId, tool: call.tool, turn: asked.turn, sources: [...seen.values()] }
}
