import type { HaltHookResult, HaltReason, HaltResult, HaltScope } from '../control/halt.ts'
import { ConfigError, GuardError } from '../errors.ts'
import type { AgentRegistry } from './agents.ts'
import type { AgentSessions } from './sessions.ts'

/** Something that an agent holds, or is held in, and what became of it. */
export interface RetireStep {
  readonly system: string
  readonly action: string
  /** Whether it is known to be done. */
  readonly confirmed: boolean
  readonly detail: string
}

export interface RetireOptions extends HaltReason {
  readonly agents: AgentRegistry
  /** The kill switch, or a guard: what runs is aborted, in all processes that share it. */
  readonly halts?: { halt(scope: HaltScope, why: HaltReason): Promise<HaltResult> }
  /** Where its sessions are counted. */
  readonly sessions?: AgentSessions
  /**
   * Revokes what the agent holds elsewhere: its tokens, its client at an authorization server. Each says what it did;
   * a throw is a step that is not confirmed.
   */
  readonly revoke?: readonly RetireRevocation[]
  /** How long to wait for sessions to end, in milliseconds. Default: as long as the lease of a session. */
  readonly waitMs?: number
  /** The revision that was looked at. */
  readonly revision?: number
  readonly signal: AbortSignal
}

export interface RetireRevocation {
  readonly system: string
  run(agent: string, options: { readonly signal: AbortSignal }): Promise<readonly RetireStep[] | void>
}

const LOOK_AGAIN_MS = 100

/**
 * Retire an agent and take from it all that it holds: its registration, what runs, its sessions, its credentials.
 *
 * The registration goes first, so that nothing new starts; then every other system is told, also where one of them
 * fails. The steps say, system by system, what was done and whether that is known. It can be repeated.
 *
 * @throws {GuardError} Only if the registration cannot be retired: then nothing else was done. `ERR_AGENT_UNKNOWN`,
 * `ERR_AGENT_CONFLICT`, `ERR_AGENTS_UNAVAILABLE`.
 */
export async function retireAgent(id: string, options: RetireOptions): Promise<readonly RetireStep[]> {
  const { agents, halts, sessions, revoke = [], by, reason, signal, revision } = options
  const before = await agents.get(id, { signal })
  const record = await agents.retire(id, {
    by,
    reason,
    signal,
    ...(revision === undefined ? {} : { revision }),
  })
  const steps: RetireStep[] = [
    {
      system: 'registry',
      action: 'retired',
      confirmed: true,
      detail: `${agents.name}, revision ${record.revision}: no version of it can start a run`,
    },
  ]
  if (halts !== undefined) steps.push(...(await halted(id, halts, { by, reason })))
  for (const one of revoke) {
    try {
      steps.push(...((await one.run(id, { signal })) ?? [done(one.system)]))
    } catch (error) {
      steps.push({ system: one.system, action: 'revoke', confirmed: false, detail: whyOf(error) })
    }
  }
  const held = [
    before?.credentials ?? [],
    ...(before?.overlaps ?? []).map(({ credentials }) => credentials),
  ].flat()
  for (const { client, issuer, keys = [] } of held) {
    if (revoke.some(({ system }) => system === issuer)) continue
    steps.push({
      system: issuer ?? 'the authorization server',
      action: 'remove the client',
      confirmed: false,
      detail: `client ${client}${keys.length === 0 ? '' : `, keys ${keys.join(', ')}`}: to be removed where it is registered`,
    })
  }
  if (sessions !== undefined) steps.push(await ended(id, sessions, options))
  return steps
}

async function halted(
  id: string,
  halts: NonNullable<RetireOptions['halts']>,
  why: HaltReason,
): Promise<RetireStep[]> {
  const action = 'halted every run of it'
  try {
    const { processes, hooks = [] } = await halts.halt({ agent: id }, why)
    const others =
      processes === undefined
        ? 'in this process'
        : `here, and in ${processes.confirmed} other processes; ${processes.ranOut} more had lost touch and halted everything`
    return [{ system: 'halts', action, confirmed: true, detail: others }, ...hooks.flatMap(followed)]
  } catch (error) {
    if (error instanceof ConfigError) throw error
    return [{ system: 'halts', action, confirmed: false, detail: whyOf(error) }]
  }
}

/** What followed the halt: each thing that was done, where whoever did it says so. */
function followed({ name, confirmed, error, details = [] }: HaltHookResult): RetireStep[] {
  const step = { system: name, action: 'followed the halt' }
  const all = details.map(({ what, ...own }) => ({ ...step, ...own, detail: `${what}: ${own.detail}` }))
  if (confirmed || details.some((one) => !one.confirmed))
    return all.length > 0
      ? all
      : [{ ...step, confirmed, detail: confirmed ? 'nothing was left' : whyOf(error) }]
  return [...all, { ...step, confirmed, detail: whyOf(error) }]
}

async function ended(
  id: string,
  sessions: AgentSessions,
  { waitMs = sessions.leaseMs, signal }: RetireOptions,
): Promise<RetireStep> {
  const step = { system: 'sessions', action: 'waited for them to end' }
  try {
    const until = performance.now() + waitMs
    for (;;) {
      const { length } = await sessions.list(id, { signal })
      if (length === 0) return { ...step, confirmed: true, detail: 'none is left' }
      if (performance.now() >= until)
        return {
          ...step,
          confirmed: false,
          detail: `${length} still counted; each ends with its run, or ${sessions.leaseMs} ms after its process`,
        }
      await new Promise((resolve) => {
        setTimeout(resolve, LOOK_AGAIN_MS)
      })
      signal.throwIfAborted()
    }
  } catch (error) {
    return { ...step, confirmed: false, detail: whyOf(error) }
  }
}

function done(system: string): RetireStep {
  return { system, action: 'revoked', confirmed: true, detail: 'done' }
}

/** Never the text of an error that is not ours: it may hold what it was about. */
function whyOf(error: unknown): string {
  return GuardError.isInstance(error) ? error.message : 'it failed'
}
