import type { Contract, ToolContract } from '@gatewright/runtime/contract'
import type { ToolAnnotations } from './definition.ts'

type Effect = ToolContract['effect']
type Risk = NonNullable<ToolContract['risk']>

const EFFECTS: readonly Effect[] = ['read', 'write', 'irreversible']
const RISKS: readonly Risk[] = ['low', 'medium', 'high', 'critical']

/**
 * The contract of a tool, made stricter where the server itself says that the tool does more than the contract says.
 *
 * `readOnlyHint: false` makes a read a write, `destructiveHint: true` makes it irreversible and its risk at least
 * medium, `openWorldHint: true` makes it reach outside. A hint that would loosen anything, such as
 * `readOnlyHint: true`, does nothing: it is the server's own word.
 */
export function tightened(contract: Contract, annotations: ToolAnnotations = {}): ToolContract {
  const own: ToolContract = contract === 'read' ? { effect: 'read' } : contract
  const { readOnlyHint, destructiveHint, openWorldHint } = annotations
  const effect = atLeast(
    EFFECTS,
    own.effect,
    destructiveHint === true ? 'irreversible' : readOnlyHint === false ? 'write' : 'read',
  )
  const risk =
    destructiveHint === true && own.risk !== undefined ? atLeast(RISKS, own.risk, 'medium') : own.risk
  return {
    ...own,
    effect,
    ...(risk === undefined ? {} : { risk }),
    ...(openWorldHint === true ? { egress: true } : {}),
  }
}

function atLeast<T>(order: readonly T[], own: T, least: T): T {
  return order.indexOf(own) >= order.indexOf(least) ? own : least
}
