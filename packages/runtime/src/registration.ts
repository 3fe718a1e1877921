import type { HaltReason } from './control/halt.ts'
import { createLease, type Lease } from './control/lease.ts'
import { ConfigError, GuardError, UnavailableError } from './errors.ts'
import type { AgentRecord } from './identity/agent-record.ts'
import { type AgentProblem, type AgentReference, problemOf, toolProblem } from './identity/agent-standing.ts'
import type { AgentRegistry } from './identity/agents.ts'
import { retireAgent, type RetireOptions, type RetireStep } from './identity/retire.ts'
import type { AgentSession, AgentSessions } from './identity/sessions.ts'
import type { Awaitable } from './policy/decision.ts'
import type { AgentIdentity } from './principal.ts'

/** A run that is about to start. */
export interface AdmittedRun {
  readonly id: string
  readonly signal: AbortSignal
  /** Ends it, when its agent may no longer act. */
  abort(reason: GuardError): void
}

/** What the registration of its agent means for one run. */
export interface RunRegistration {
  /**
   * Why the agent may not act at all, or not use this tool; undefined if it may.
   *
   * @throws {UnavailableError} If the registry was not heard of for too long, and cannot be asked.
   */
  problem(tool?: string): Awaitable<string | undefined>
  /** The run is over; its session is no longer counted. */
  end(): Promise<void>
}

/** The registration that a guard acts under. */
export interface Registration extends AsyncDisposable {
  /** Where it is kept, in words for a start-up log. */
  readonly kept: string
  /** @throws {GuardError} If the agent may not start a run. */
  admit(run: AdmittedRun): Promise<RunRegistration>
  /** See `Guard.retire`. */
  retire(halts: NonNullable<RetireOptions['halts']>, why: HaltReason): Promise<readonly RetireStep[]>
}

export interface RegistrationOptions {
  readonly agents: AgentRegistry
  readonly agent: AgentReference
  readonly sessions: AgentSessions
  readonly now: () => Date
  /** How old what is known of the registry may be, in milliseconds. Default 2,000; at most 60,000. */
  readonly maxAgeMs?: number | undefined
}

const LONGEST_AGE_MS = 60_000
const ANSWER_MS = 5000
const LONGEST_RETIRE_MS = 120_000
const MOST_READINGS = 3

/** The registration that the developer wrote down when the guard was made: it changes with a deployment alone. */
export function fixedRegistration(agent: AgentIdentity, now: () => Date): Registration {
  const problem = (tool?: string): string | undefined => {
    if (!(agent.expires.getTime() > now().getTime())) return 'agent-expired'
    return tool === undefined ? undefined : toolProblem(agent, tool)
  }
  const forAll: RunRegistration = { problem, end: async () => {} }
  return {
    kept: 'written down in the configuration',
    async retire() {
      throw new ConfigError(
        'agents',
        undefined,
        'a registry, since only what is registered there can be retired',
      )
    },
    async admit() {
      const found = problem()
      if (found !== undefined) throw stopped(found as AgentProblem)
      return forAll
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

interface Admitted extends AdmittedRun {
  readonly session: AgentSession
  readonly lease: Lease
}

/**
 * The registration in a registry, as it stands: an agent that expires, is retired or loses a tool while a run of it
 * goes on is stopped in it. What is known is read again at each start, when the registry tells of a change, and
 * before it is older than `maxAgeMs`; its age is computed at each call.
 */
export function liveRegistration(options: RegistrationOptions): Registration {
  const { agents, agent, sessions, now, maxAgeMs = 2000 } = options
  if (!(maxAgeMs > 0 && maxAgeMs <= LONGEST_AGE_MS))
    throw new ConfigError('registration.maxAgeMs', maxAgeMs, `milliseconds up to ${LONGEST_AGE_MS}`)
  const closing = new AbortController()
  const elapsed = (): number => performance.now()
  const fresh = createLease({ ms: maxAgeMs, elapsed, now })
  const runs = new Set<Admitted>()
  let known: AgentRecord | undefined
  let reading: Promise<void> | undefined
  let news = 0
  let watching: Promise<Disposable | undefined> | undefined
  let poll: NodeJS.Timeout | undefined
  let renewal: NodeJS.Timeout | undefined

  async function read(): Promise<void> {
    const mark = fresh.mark()
    const heard = news
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(ANSWER_MS)])
    const found = await agents.get(agent.id, { signal }).catch(unavailable)
    known = found
    // What changed while it was read may not be in it.
    if (heard === news) fresh.renew(mark)
    stopAll()
  }

  /** One question for all who wait. */
  function again(): Promise<void> {
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }

  /** Reads until what is known is neither too old nor older than the last news. */
  async function upToDate(): Promise<void> {
    for (let tries = 0; tries < MOST_READINGS; tries += 1) {
      await again()
      if (fresh.isLive()) return
    }
    unavailable(new Error('What the registry says was too old each time it was there.'))
  }

  function stopAll(): void {
    const problem = problemOf(known, agent, now())
    if (problem !== undefined) for (const run of runs) run.abort(stopped(problem))
  }

  async function watch(): Promise<Disposable | undefined> {
    try {
      return await agents.watch?.(hear, closing)
    } catch {
      // Then it is looked at as often as what has no news.
      return undefined
    }
  }

  function hear(): void {
    news += 1
    fresh.end()
    if (runs.size > 0) again().catch(() => {})
  }

  async function renewAll(): Promise<void> {
    await Promise.all(
      [...runs].map(async (run) => {
        const mark = run.lease.mark()
        const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(Math.ceil(sessions.leaseMs / 3))])
        const isHeld = await run.session.renew({ signal }).catch(() => undefined)
        if (isHeld === true) run.lease.renew(mark)
        if (isHeld === false || !run.lease.isLive()) run.abort(lostSession())
      }),
    )
  }

  function startTimers(): void {
    poll ??= setInterval(() => {
      stopAll()
      again().catch(() => {})
    }, maxAgeMs / 2).unref()
    renewal ??= setInterval(() => void renewAll(), sessions.leaseMs / 3).unref()
  }

  function stopTimers(): void {
    clearInterval(poll)
    clearInterval(renewal)
    poll = undefined
    renewal = undefined
  }

  function problemIn(run: Admitted, tool: string | undefined): string | undefined {
    const problem = problemOf(known, agent, now())
    if (problem !== undefined) {
      run.abort(stopped(problem))
      return problem
    }
    if (!run.lease.isLive()) return 'agent-session-lost'
    return tool === undefined ? undefined : toolProblem(known as AgentRecord, tool)
  }

  return {
    kept: `${agents.name}; known for at most ${maxAgeMs} ms`,
    async admit(run) {
      closing.signal.throwIfAborted()
      watching ??= watch()
      await watching
      await read()
      if (!fresh.isLive()) await upToDate()
      const problem = problemOf(known, agent, now())
      if (problem !== undefined) throw stopped(problem)
      const lease = createLease({ ms: sessions.leaseMs, elapsed, now })
      const mark = lease.mark()
      const most = known?.maxSessions
      const session = await sessions.take(agent.id, run.id, { most, signal: run.signal }).catch(unavailable)
      if (session === undefined)
        throw new GuardError('ERR_AGENT_SESSIONS', 'This agent has as many sessions as it may have.')
      lease.renew(mark)
      const admitted: Admitted = { id: run.id, signal: run.signal, abort: run.abort, session, lease }
      runs.add(admitted)
      startTimers()
      let ended: Promise<void> | undefined
      return {
        problem(tool) {
          if (fresh.isLive()) return problemIn(admitted, tool)
          return upToDate().then(() => problemIn(admitted, tool))
        },
        async end() {
          if (runs.delete(admitted) && runs.size === 0) stopTimers()
          await (ended ??= release(session))
        },
      }
    },
    async retire(halts, { by, reason }) {
      const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(LONGEST_RETIRE_MS)])
      return await retireAgent(agent.id, { agents, halts, sessions, by, reason, signal })
    },
    async [Symbol.asyncDispose]() {
      if (closing.signal.aborted) return
      closing.abort(new GuardError('ERR_RUN_ENDED', 'This guard was closed.'))
      stopTimers()
      ;(await watching)?.[Symbol.dispose]()
      await Promise.all([...runs].map(({ session }) => release(session)))
      runs.clear()
    },
  }
}

/** One that cannot be given back is free when its lease runs out. */
async function release(session: AgentSession): Promise<void> {
  await session.release({ signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => {})
}

function unavailable(cause: unknown): never {
  if (GuardError.isInstance(cause) && cause.code === 'ERR_AGENTS_UNAVAILABLE') throw cause
  throw new UnavailableError('ERR_AGENTS_UNAVAILABLE', 'The registry of agents could not be reached.', {
    cause,
  })
}

function lostSession(): GuardError {
  return new GuardError('ERR_AGENT_SESSIONS', 'The session of this run was lost.')
}

const STOPPED = {
  'agent-unknown': ['ERR_AGENT_UNKNOWN', 'This agent is not registered in this version.'],
  'agent-retired': ['ERR_AGENT_RETIRED', 'This agent has been retired.'],
  'agent-expired': ['ERR_AGENT_EXPIRED', 'The registration of this agent has expired.'],
} as const

/** What an agent that may not act is told. */
export function stopped(problem: AgentProblem): GuardError {
  const [code, message] = STOPPED[problem]
  return new GuardError(code, message)
}
