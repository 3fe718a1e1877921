import type { LeafVerdict } from './attest/attest.ts'
import { canonical, type Writing } from './attest/canonical.ts'
import type { ValueType } from './contract/argument.ts'
import { placeText } from './json/path.ts'
import type { JsonScalar } from './json/plain.ts'
import type { RunState } from './run-state.ts'

/** What tells one irreversible call of a turn from another: the tool and its control leaves, not its words. */
export function madeKey(run: RunState, tool: string, verdicts: readonly LeafVerdict[]): string {
  const counted = verdicts
    .filter(({ by, value }) => by !== 'choice' && by !== 'constant' && value !== undefined)
    // The order of keys and items is the model's: in another order it is the same call.
    .map(({ place, value, argument }) =>
      JSON.stringify([
        placeText(place.map((step) => (typeof step === 'number' ? '*' : step))),
        typeof value === 'object' && value !== null
          ? value
          : comparable(argument.type, value as JsonScalar, run.writing),
      ]),
    )
  return JSON.stringify([tool, ...new Set(counted.toSorted())])
}

function comparable(type: ValueType, value: JsonScalar, writing: Writing): string {
  // 13 and "13" are one file to a tool that takes both.
  const key = canonical(type, value, writing)?.key ?? String(value)
  // 50 and "USD 50" are one amount to a user who wrote $50.
  return type === 'money' ? key.replace(/^[^|]*\|/, '') : key
}

/** Whether the turn has made, or is making, this call. */
export function wasMade(run: RunState, key: string): boolean {
  return run.made.turn === run.ledger.turn && run.made.keys.has(key)
}

/** Count a call as made in this turn. False if one just like it counts already: then there is nothing to give back. */
export function reserveMade(run: RunState, key: string): boolean {
  if (run.made.turn !== run.ledger.turn) {
    run.made.keys.clear()
    run.made.turn = run.ledger.turn
  }
  if (run.made.keys.has(key)) return false
  run.made.keys.add(key)
  return true
}

/** Give back what a call had reserved of its turn, when it did not run after all. */
export function releaseMade(run: RunState, key: string | undefined): void {
  if (key !== undefined) run.made.keys.delete(key)
}
