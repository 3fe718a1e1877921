import { GuardError } from './errors.ts'
import type { Awaitable } from './policy/decision.ts'
import { subjectExpired } from './identity/subject-term.ts'
import { stopped } from './registration.ts'
import type { RunState } from './run-state.ts'

/**
 * Why a run may not act for its user any more, or its agent not use a tool or not act at all; undefined if it may.
 *
 * A sub-agent may do only what every agent that it acts for may do: all of them are asked, as they stand now.
 */
export function identityProblem(run: RunState, tool?: string): Awaitable<string | undefined> {
  if (run.term.isOver()) return 'subject-expired'
  for (let hop: RunState | undefined = run; hop !== undefined; hop = hop.parent) {
    const problem = hop.registration.problem(tool)
    if (typeof problem === 'object') {
      const { parent }: RunState = hop
      return problem.then((one) => one ?? (parent && identityProblem(parent, tool)))
    }
    if (problem !== undefined) return problem
  }
  return undefined
}

/** The agents for which the agent of a run acts in turn, nearest first. */
export function agentsBehind({ parent }: RunState): readonly `agent:${string}`[] {
  return parent === undefined ? [] : [parent.actor, ...agentsBehind(parent)]
}

/**
 * After a wait: may the run still act for its user.
 *
 * @throws {GuardError} `ERR_SUBJECT_EXPIRED`, if not.
 */
export function checkSubject({ term }: RunState): void {
  if (term.isOver()) throw subjectExpired()
}

/**
 * Before a request to a model: may the run still act for its user, and the agent and every agent behind it at all.
 *
 * @throws {GuardError} If not; `UnavailableError` if that is not known.
 */
export function checkAgent(run: RunState): Awaitable<void> {
  const problem = identityProblem(run)
  if (typeof problem === 'object') return problem.then(refuse)
  return refuse(problem)
}

function refuse(problem: string | undefined): void {
  switch (problem) {
    case undefined:
      return
    case 'subject-expired':
      throw subjectExpired()
    case 'agent-unknown':
    case 'agent-retired':
    case 'agent-expired':
      throw stopped(problem)
    default:
      throw new GuardError('ERR_AGENT_SESSIONS', 'The session of this run was lost.')
  }
}
