import type { HaltSignal } from './control/halt.ts'
import type { StandingApproval } from './control/standing.ts'
import { ConfigError, GuardError } from './errors.ts'
import { declassify, endorse, type Relabelling } from './label/endorse.ts'
import { readableBy } from './label/label.ts'
import { join } from './label/join.ts'
import type { Chunk } from './ledger/chunk.ts'
import { explain, type Explanation } from './ledger/explain.ts'
import { type SavedLedger, saveLedger } from './ledger/saved.ts'
import { taskGrant, type TaskGrant } from './policy/grant.ts'
import type { CarriedLabel } from './label/carried.ts'
import { DEVELOPER, isUser, type Principal, type PrincipalId } from './principal.ts'
import { record, type RunState } from './run-state.ts'
import { evidenceOf } from './run-evidence.ts'
import { carriedSeen } from './sub-run.ts'
import { beginTurn, hearUser } from './user-words.ts'

/** One principal, one ledger, one abort signal. Dispose of it when the conversation is over. */
export interface Run extends AsyncDisposable {
  readonly id: string
  readonly principal: Principal
  /** Fires when the run is halted or ended. */
  readonly signal: AbortSignal
  /**
   * What the run has seen, joined: the label of its answer. A tool that ran a sub-agent hands that on as
   * `labelled(answer, { '**': run.seen })`.
   */
  readonly seen: CarriedLabel
  /** What the run has seen, in order. */
  readonly chunks: readonly Chunk[]
  readonly turn: number
  /**
   * Take in a message of the authenticated user: begins a turn. Its own words are trusted text; mail headers,
   * reply quotes and HTML found in it are not.
   */
  userSaid(text: string): void
  /** Vouch for a text that the developer wrote outside the wrapping: returns it. */
  trusted(text: string): string
  /** The path from a call back to its sources; undefined for a call that this run does not know. */
  explain(callId: string): Explanation | undefined
  /** Give a turn's calls a bound. It narrows; one from a rule or a person that bounds every argument is also a basis. */
  grant(grant: TaskGrant): Promise<void>
  /**
   * Take in a bounded approval that a person ticked: calls of one tool within these bounds, led to by no untrusted
   * chunks but these. It stands in for attestation and is a basis; whatever else asks or denies still does.
   *
   * @throws {ConfigError} If it bounds nothing, is of no time, or names chunks that are not in this run.
   */
  standingApproval(approval: Omit<StandingApproval, 'run'>): Promise<void>
  /** Vouch for a chunk in the place of some of its authors: a new chunk, and a record in the audit. */
  endorse(chunk: number, dropped: readonly PrincipalId[], why: { by: string; reason: string }): Promise<Chunk>
  /** Let more principals see a chunk: a new chunk, and a record in the audit. */
  declassify(chunk: number, readers: readonly string[], why: { by: string; reason: string }): Promise<Chunk>
  /** The ledger as plain JSON. Store it with the conversation, on the server side. */
  save(): SavedLedger
  /** End the run: its signal fires, and nothing more is permitted. */
  end(): Promise<void>
}

const states = new WeakMap<Run, RunState>()

/** What a run owns; for the layers that enforce. */
export function stateOf(run: Run): RunState {
  const state = states.get(run)
  if (state === undefined)
    throw new GuardError('ERR_CONFIG_INVALID', 'run: expected what startRun() returned.')
  return state
}

const runs = new WeakMap<RunState, Run>()

/** The public face of what a run owns. */
export function runOf(state: RunState): Run {
  return runs.get(state) as Run
}

/** The public face of a run. */
export function createRun(
  state: RunState,
  own: AbortController,
  halt: HaltSignal,
  ended: () => Promise<void>,
): Run {
  const { ledger, audit } = state
  const started = state.guard.now().getTime()
  const end = async (): Promise<void> => {
    if (isOver) return
    isOver = true
    const status = halt.signal.aborted ? 'halted' : 'ended'
    own.abort(new GuardError('ERR_RUN_ENDED', 'This run has ended.'))
    halt[Symbol.dispose]()
    await ended()
    await audit.record(
      {
        type: 'run-ended',
        status,
        calls: state.counts.all,
        refusals: state.counts.refusals,
        durationMs: state.guard.now().getTime() - started,
      },
      { signal: NEVER },
    )
  }
  let isOver = false
  const relabel = async (given: number, change: (chunk: Chunk) => Relabelling): Promise<Chunk> => {
    // One decision builds on the one before it, whichever of the chunks it names.
    const id = originalOf(given)
    const chunk = ledger.chunks[state.relabelled.get(id) ?? id]
    if (chunk === undefined)
      throw new RangeError(`chunk: expected the id of a chunk of this run; got ${given}.`)
    const made = change(chunk)
    const { kind, from, to, by, reason } = made
    await audit.record({ type: 'relabel', kind, from, to, by, reason, chunk: id }, { signal: state.signal })
    const next = ledger.append({
      origin: { kind: 'relabelled', by, reason },
      label: to,
      content: chunk.content,
      parents: [chunk.id],
      // Whoever selected it still did; only an endorsement of the thing itself was asked for.
      selectedBy: kind === 'endorse' ? undefined : chunk.selectedBy,
    })
    state.relabelled.set(id, next.id)
    return next
  }
  const originalOf = (id: number): number => {
    let chunk = ledger.chunks[id]
    while (chunk?.origin.kind === 'relabelled') chunk = ledger.chunks[chunk.parents[0] as number]
    return chunk?.id ?? id
  }
  const run: Run = {
    id: state.id,
    principal: state.principal,
    signal: state.signal,
    get seen() {
      return carriedSeen(state)
    },
    chunks: ledger.chunks,
    get turn() {
      return ledger.turn
    },
    userSaid(text) {
      if (!isUser(state.principal.subject))
        throw new ConfigError('run.userSaid', 'a text', 'no call in a run that no user is behind')
      if (state.parent !== undefined)
        throw new ConfigError(
          'run.userSaid',
          'a text',
          'no call in the run of a sub-agent: hear() takes in its task',
        )
      const key = JSON.stringify([text])
      state.heard.set(key, (state.heard.get(key) ?? 0) + 1)
      beginTurn(state)
      hearUser(state, text)
    },
    trusted(text) {
      const chunk = record(state, { kind: 'constant' }, [DEVELOPER], text, [])
      for (const role of ['system', 'user', 'tool-definition'] as const)
        state.transcript.remember(role, text, chunk.id)
      return text
    },
    explain: (callId) => explain(ledger, callId),
    async grant(grant) {
      const checked = taskGrant(grant)
      await audit.record(
        {
          type: 'grant',
          action: 'given',
          by: `${checked.from}:${checked.by}`,
          tools: Object.keys(checked.tools),
        },
        { signal: state.signal },
      )
      state.grant = { turn: ledger.turn, grant: checked, computed: false }
    },
    async standingApproval(given) {
      const checked = standingApproval(given, state)
      const { by, tool, sources, expires } = checked
      await audit.record(
        {
          type: 'grant',
          action: 'given',
          by,
          tools: [tool],
          expires: expires.toISOString(),
          chunks: sources,
        },
        { signal: state.signal },
      )
      state.standing.push(checked)
    },
    endorse: (id, dropped, { by, reason }) =>
      relabel(id, (chunk) => endorse(joinedLabel(chunk), dropped, by, reason)),
    declassify: (id, readers, { by, reason }) =>
      relabel(id, (chunk) =>
        declassify(chunk.label, readers.includes('everyone') ? [] : [readableBy(readers)], by, reason),
      ),
    save: () => {
      state.isKept = true
      return saveLedger(
        ledger,
        { run: state.id, subject: state.principal.subject, tenant: state.principal.tenant },
        evidenceOf(state),
      )
    },
    end,
    [Symbol.asyncDispose]: end,
  }
  states.set(run, state)
  runs.set(state, run)
  return run
}

const NEVER = new AbortController().signal

function standingApproval(given: Omit<StandingApproval, 'run'>, { id, ledger }: RunState): StandingApproval {
  const { by, tool, bounds, sources, expires } = given
  const check = (holds: boolean, key: keyof typeof given, expected: string): void => {
    if (!holds) throw new ConfigError(`standingApproval.${key}`, given[key], expected)
  }
  check(typeof given.id === 'string' && given.id !== '', 'id', 'an id')
  check(typeof by === 'string' && by !== '', 'by', 'the name of who gave it')
  check(typeof tool === 'string' && tool !== '', 'tool', 'the name of a tool')
  check(
    typeof bounds === 'object' && Object.keys(bounds ?? {}).length > 0,
    'bounds',
    'a bound for every control argument',
  )
  for (const [path, bound] of Object.entries(bounds)) {
    const isBound = 'values' in bound ? Array.isArray(bound.values) : Number.isFinite(bound.atMost)
    if (!isBound)
      throw new ConfigError(
        `standingApproval.bounds.${path}`,
        bound,
        '{ values: [...] } or { atMost: number }',
      )
  }
  check(
    Array.isArray(sources) && sources.every((one) => ledger.chunks[one] !== undefined),
    'sources',
    'ids of chunks of this run',
  )
  check(expires instanceof Date && !Number.isNaN(expires.getTime()), 'expires', 'a time')
  return structuredClone({ id: given.id, by, run: id, tool, bounds, sources, expires })
}

function joinedLabel(chunk: Chunk): Chunk['label'] {
  return chunk.selectedBy === undefined ? chunk.label : join(chunk.label, chunk.selectedBy)
}
