import type { Mutant } from '../mutant.ts'
import { beside, RUNTIME } from './tests.ts'

const JWT = `${RUNTIME}/identity/jwt-subject.ts`
const DELEGATION = `${RUNTIME}/identity/delegation.ts`
const STANDING = `${RUNTIME}/identity/agent-standing.ts`
const REGISTRATION = `${RUNTIME}/registration.ts`
const jwt = beside('identity/jwt-subject')
const delegation = beside('identity/delegation')
const standing = beside('identity/agent-standing')
const registration = ['test/identity/registration.test.ts']
const noUser = ['test/identity/no-user.test.ts']
const TERM = `${RUNTIME}/identity/subject-term.ts`
const subjectEnd = ['test/identity/subject-end.test.ts']
const subAgents = ['test/identity/sub-agents.test.ts']

/** Who the agent is, for whom it acts, and who is in between. */
export const IDENTITY_MUTANTS: readonly Mutant[] = [
  {
    name: 'identity-jwt-algorithms',
    drops: 'the list of algorithms of a token',
    file: JWT,
    find: 'algorithms: [...algorithms],',
    replace: '',
    tests: jwt,
  },
  {
    name: 'identity-jwt-type',
    drops: 'the type of a token',
    file: JWT,
    find: '        typ,\n',
    replace: '',
    tests: jwt,
  },
  {
    name: 'identity-jwt-audience',
    drops: 'the audience of a token',
    file: JWT,
    find: 'audience: audiences,',
    replace: '',
    tests: jwt,
  },
  {
    name: 'identity-jwt-issuer',
    drops: 'the issuer of a token',
    file: JWT,
    find: '        issuer,\n        audience: audiences',
    replace: '        audience: audiences',
    tests: jwt,
  },
  {
    name: 'identity-jwt-required',
    drops: 'the claims that a token must have',
    file: JWT,
    find: "requiredClaims: ['sub', 'exp', 'iat'],",
    replace: '',
    tests: jwt,
  },
  {
    name: 'identity-jwt-act',
    drops: 'the check of who acted for the user before',
    file: JWT,
    find: 'const chain = act === undefined ? undefined :',
    replace: 'const chain = act === undefined || delegation === undefined ? undefined :',
    tests: jwt,
  },
  {
    name: 'identity-chain-past',
    drops: 'the issuer of an actor',
    file: DELEGATION,
    find: 'iss === undefined && allowed === sub',
    replace: 'allowed === sub',
    tests: delegation,
  },
  {
    name: 'identity-chain-depth',
    drops: 'the bound on the length of a chain',
    file: DELEGATION,
    find: 'if (chain.length === maxDepth)',
    replace: 'if (chain.length === 1_000)',
    tests: delegation,
  },
  {
    name: 'identity-retired',
    drops: 'that an agent was retired',
    file: STANDING,
    find: "if (record.status !== 'active') return 'agent-retired'",
    replace: '',
    tests: [...standing, ...registration],
  },
  {
    name: 'identity-overlap',
    drops: 'the end of an overlap',
    file: STANDING,
    find: 'overlap.some(({ until }) => isBefore(until))',
    replace: 'true',
    tests: [...standing, ...registration],
  },
  {
    name: 'identity-age',
    drops: 'the age of what is known of the registry',
    file: REGISTRATION,
    find: 'if (fresh.isLive()) return problemIn(admitted, tool)',
    replace: 'if (known !== undefined) return problemIn(admitted, tool)',
    tests: registration,
  },
  {
    name: 'identity-sessions',
    drops: 'the limit of sessions',
    file: `${RUNTIME}/identity/sessions.ts`,
    find: 'if (taken.size >= most) return undefined',
    replace: '',
    tests: [...beside('identity/sessions'), ...registration],
  },
  {
    name: 'identity-hops',
    drops: 'the agents behind a sub-agent',
    file: `${RUNTIME}/agent-check.ts`,
    find: 'hop !== undefined; hop = hop.parent',
    replace: 'hop !== undefined; hop = undefined',
    tests: subAgents,
  },
  {
    name: 'identity-hops-authority',
    drops: 'the authority of the agents behind a sub-agent',
    file: `${RUNTIME}/decide.ts`,
    find: 'delegators: agentsBehind(run),',
    replace: '',
    tests: subAgents,
  },
  {
    name: 'identity-sub-agent-task',
    drops: 'that what a sub-agent is told is not the user’s word',
    file: `${RUNTIME}/loop/hear.ts`,
    find: 'if (frame !== undefined || state.parent !== undefined) {',
    replace: 'if (frame !== undefined) {',
    tests: subAgents,
  },
  {
    name: 'identity-around',
    drops: 'that an agent in a tool acts for the agent around it',
    file: `${RUNTIME}/loop/open-run.ts`,
    find: 'options.parent ?? runAround(principal)',
    replace: 'options.parent',
    tests: subAgents,
  },
  {
    name: 'identity-no-user',
    drops: 'that nothing is a user’s word where there is none',
    file: `${RUNTIME}/loop/hear.ts`,
    find: 'if (!isUser(state.principal.subject)) return',
    replace: '',
    tests: noUser,
  },
  {
    name: 'identity-self',
    drops: 'that an agent without a user is no other agent',
    file: `${RUNTIME}/parse.ts`,
    find: 'made.subject !== actor && made.subject !== `agent:${self.id}`',
    replace: 'false',
    tests: noUser,
  },
  {
    name: 'identity-subject-end',
    drops: 'the end of a user’s authentication',
    file: TERM,
    find: 'if (now().getTime() < end) return false',
    replace: 'if (now().getTime() <= Infinity) return false',
    tests: [...beside('identity/subject-term'), ...subjectEnd],
  },
  {
    name: 'identity-subject-end-parent',
    drops: 'that a run of a sub-agent ends with the user of the one before it',
    file: TERM,
    find: 'Math.min(until.getTime(), parent?.getTime() ?? Infinity)',
    replace: 'until.getTime()',
    tests: [...beside('identity/subject-term'), ...subjectEnd],
  },
  {
    name: 'identity-subject-end-copy',
    drops: 'that nobody moves the end of a run that goes on',
    file: TERM,
    find: 'return new Date(Math.min(until.getTime(), parent?.getTime() ?? Infinity))',
    replace: 'return parent !== undefined && parent < until ? parent : until',
    tests: beside('identity/subject-term'),
  },
  {
    name: 'identity-subject-end-timer',
    drops: 'that what is under way is stopped at the end of a user’s authentication',
    file: TERM,
    find: 'if (!isOver()) wait()',
    replace: 'isOver()',
    tests: subjectEnd,
  },
  {
    name: 'identity-subject-end-start',
    drops: 'that no run starts for a user whose authentication is over',
    file: `${RUNTIME}/start-run.ts`,
    find: 'if (term.isOver()) throw subjectExpired()',
    replace: '',
    tests: subjectEnd,
  },
  {
    name: 'identity-subject-end-call',
    drops: 'the end of a user’s authentication in the decision on a call',
    file: `${RUNTIME}/agent-check.ts`,
    find: "if (run.term.isOver()) return 'subject-expired'",
    replace: '',
    tests: subjectEnd,
  },
  {
    name: 'identity-subject-end-wait',
    drops: 'the end of a user’s authentication after a call has waited',
    file: `${RUNTIME}/invoke.ts`,
    find: '  checkGoesOn(run, invocation)\n  checkSubject(run)\n',
    replace: '  checkGoesOn(run, invocation)\n',
    tests: subjectEnd,
  },
  {
    name: 'identity-subject-end-token',
    drops:
      'that a tool at work gets no token once its user’s authentication or its agent’s registration is over',
    file: `${RUNTIME}/call-credential.ts`,
    find: '    await checkAgent(run)\n',
    replace: '',
    tests: subjectEnd,
  },
  {
    name: 'identity-jwt-end',
    drops: 'that a run ends with its user’s token where the application wants it',
    file: JWT,
    find: 'endsWithToken ? new Date(exp * 1000) : undefined',
    replace: 'undefined',
    tests: jwt,
  },
]
