import { tool, type ToolSet } from 'ai'
import { DERIVE_DESCRIPTION, DERIVE_INPUT, derive, type Derived, type DeriveScope } from '../attest/derive.ts'
import { dayOf, isoOf } from '../attest/derive/day.ts'
import { DERIVE, literalIn, operandsOf } from '../attest/operands.ts'
import type { ToolContract } from '../contract/contract.ts'
import { GuardError } from '../errors.ts'
import { labelled } from '../label/carried.ts'
import { label, type Label } from '../label/label.ts'
import { type Run, stateOf } from '../run.ts'
import { isTrusted, type RunState } from '../run-state.ts'
import { bindTools, compileTools } from './guard-tools.ts'

const CONTRACT: ToolContract = { effect: 'read', carriesLabels: true }

/**
 * A tool `derive` for the model: it computes a value from earlier results, and a value that stands on the user's
 * words and on bound or minted fields is attested for arguments that accept derived ones (`money().orDerived()`).
 *
 * It runs under guard like any read. What it returns carries the labels of all that was read, and is itself never
 * read by it again. An expression that breaks a rule is a tool error that says which, and holds no value.
 */
export function deriveTool(run: Run): ToolSet {
  const state = stateOf(run)
  const tools: ToolSet = {
    [DERIVE]: tool({
      description: DERIVE_DESCRIPTION,
      inputSchema: DERIVE_INPUT,
      execute: ({ expression }, { toolCallId }) => {
        const derived = derive(expression, scopeOf(state))
        if (!derived.ok) throw new GuardError('ERR_DERIVE_INVALID', derived.message)
        keep(state, derived, toolCallId)
        return labelled(derived.value, { '': carriedFrom(derived.label) })
      },
    }),
  }
  return bindTools(run, compileTools(tools, { [DERIVE]: CONTRACT }))
}

function scopeOf(state: RunState): DeriveScope {
  const { timeZone } = state.writing
  const today = dayOf(state.guard.now().toISOString(), timeZone)
  const said = label([state.principal.subject], [state.defaultReaders])
  return {
    results: operandsOf(
      { calls: callsOfModel(state), records: state.evidence.records },
      state.trusted,
      (of) => isTrusted(state, of),
      state.ledger.turn,
    ),
    literal: literalIn(state.trusted, said, state.unknownLabel),
    today: (today === undefined ? undefined : isoOf(today)) ?? '',
    timeZone,
  }
}

/**
 * The calls that the model made, in the order in which it made them: calls of one step end in any order, and
 * look-ups of the guard's own are unknown to the model.
 */
function callsOfModel({ evidence, ledger }: RunState): RunState['evidence']['calls'] {
  const order = new Map<string, number>()
  for (const { id, providerId, said } of ledger.calls)
    order.set(id, said === undefined && id === providerId ? -1 : order.size)
  const position = ({ chunk: { origin } }: (typeof evidence.calls)[number]): number =>
    origin.kind === 'tool-result' ? (order.get(origin.call) ?? -1) : -1
  return evidence.calls.filter((call) => position(call) >= 0).toSorted((a, b) => position(a) - position(b))
}

function keep(
  state: RunState,
  { value, standing, turn, leaf }: Extract<Derived, { ok: true }>,
  call: string,
): void {
  if (standing === 'unattested') return
  const next = state.ledger.chunks.length
  state.derivations.add({
    value,
    standing,
    turn,
    // The result is stored after this; calls of the same step may store theirs before.
    get chunk() {
      return state.ledger.call(call)?.result ?? next
    },
    picked: leaf !== undefined,
    kind: leaf === undefined ? undefined : mintedKind(state, leaf),
  })
}

function mintedKind(
  state: RunState,
  { tool: name, place }: { tool: string; place: readonly (string | number)[] },
): string | undefined {
  const field = state.tools.get(name)?.contract.fieldAt(place)
  return field?.field === 'minted' ? field.kind : undefined
}

function carriedFrom({ authors, readers }: Label): Parameters<typeof labelled>[1][string] {
  return { authors: authors as [string, ...string[]], readers: readers.length === 0 ? 'everyone' : readers }
}
