import type { ASTNode } from '@marcbachmann/cel-js'

/** The string or number that is written out here, its sign included; undefined for anything else. */
export function literalOf(node: ASTNode): string | number | undefined {
  if (node.op === '-_') {
    const value = node.args.op === 'value' ? literalOf(node.args) : undefined
    return typeof value === 'number' ? 0 - value : undefined
  }
  if (node.op !== 'value') return undefined
  if (typeof node.args === 'string') return node.args
  const value = typeof node.args === 'bigint' ? Number(node.args) : node.args
  // A whole number that a double cannot hold would be looked up, and used, as another one.
  if (typeof value !== 'number' || (Number.isInteger(value) && !Number.isSafeInteger(value))) return undefined
  return value
}

/** The whole number from `least` to `most` that is written out here. */
export function integerOf(node: ASTNode, least: number, most: number): number | undefined {
  const value = literalOf(node)
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
    ? value
    : undefined
}
