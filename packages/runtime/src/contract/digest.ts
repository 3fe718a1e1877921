import { createHash } from 'node:crypto'
import { canonicalJson, type Json } from '../json/plain.ts'

/**
 * SHA-256, in hex, of what a contract says: its data in canonical JSON (RFC 8785), functions by their source text.
 *
 * Two contracts that say the same have one digest, whatever the order of their keys. What a function closes over
 * is not part of it: two functions of one text that close over different values have one digest.
 */
export function contractDigest(tool: string, contract: object): string {
  return createHash('sha256')
    .update(canonicalJson([tool, said(contract)]))
    .digest('hex')
}

function said(value: unknown): Json {
  if (typeof value === 'function') return { function: Function.prototype.toString.call(value) }
  if (Array.isArray(value)) return value.map(said)
  if (typeof value !== 'object' || value === null) return value as Json
  // The methods of an argument are how it was made, not what it says.
  const isArgument = (value as { role?: unknown }).role === 'control'
  const entries = Object.entries(value).filter(
    ([, part]) => part !== undefined && !(isArgument && typeof part === 'function'),
  )
  return Object.fromEntries(entries.map(([key, part]) => [key, said(part)]))
}
