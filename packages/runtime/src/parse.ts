import { z } from 'zod'
import { ConfigError } from './errors.ts'
import type { AgentReference } from './identity/agent-standing.ts'
import { type AgentIdentity, agentPrincipal, isUser, type Principal } from './principal.ts'

const NAME = 'a name without @ and spaces'
const VERSION = 'a version without spaces'
const TOOLS = 'a list of names of tools'
const SUBJECT = "a subject such as 'user:alice'"
const someText = z.string('a string that is not empty').min(1, 'a string that is not empty')
const scalar = z.union([z.string(), z.number(), z.boolean()], 'a string, a number or a boolean')

const agent = z.strictObject({
  id: z.string(NAME).regex(/^[^@\s]+$/, NAME),
  version: z.string(VERSION).regex(/^\S+$/, VERSION),
  owner: someText.optional(),
  expires: z.date('a Date'),
  allowedTools: z.array(someText, TOOLS).optional(),
  deniedTools: z.array(someText, TOOLS).optional(),
})

const agentReference = z.strictObject({
  id: z.string(NAME).regex(/^[^@\s]+$/, NAME),
  version: z.string(VERSION).regex(/^\S+$/, VERSION),
})

const principal = z.strictObject({
  subject: z.string(SUBJECT).regex(/^(?:user|agent):\S/, SUBJECT),
  tenant: someText.optional(),
  identities: z.array(someText, 'a list of names').optional(),
  attributes: z.record(z.string(), scalar, 'an object of attributes').optional(),
  timeZone: someText.optional(),
  locale: someText.optional(),
})

/** @throws {ConfigError} If it is not an agent's registration; names the key. */
export function parseAgent(given: AgentIdentity): AgentIdentity {
  return Object.freeze(parsed('agent', agent, given)) as AgentIdentity
}

/** @throws {ConfigError} If it does not name an agent and its version, and nothing more; names the key. */
export function parseAgentReference(given: AgentReference): AgentReference {
  return Object.freeze(parsed('agent', agentReference, given))
}

/** @throws {ConfigError} If it is neither an authenticated user nor the agent itself; names the key. */
export function parsePrincipal(
  given: Principal,
  self: AgentReference,
  behind?: Principal['subject'],
): Principal {
  const made = parsed('principal', principal, given) as Principal
  if (isUser(made.subject) || made.subject === behind) return Object.freeze(made)
  const actor = agentPrincipal(self)
  // Acting for another agent is delegation, and takes a run of that agent.
  if (made.subject !== actor && made.subject !== `agent:${self.id}`)
    throw new ConfigError('principal.subject', made.subject, `a user, or the agent itself ('${actor}')`)
  return Object.freeze({ ...made, subject: actor })
}

function expected(key: string, issue: z.core.$ZodIssue | undefined): string {
  if (issue === undefined) return 'another value'
  if (issue.code === 'unrecognized_keys') return 'no other keys'
  return issue.path.length === 0 ? `an object that describes the ${key}` : issue.message
}

function parsed<T>(key: string, schema: z.ZodType<T>, given: unknown): T {
  const result = schema.safeParse(given)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const path = [key, ...(issue?.path ?? [])].join('.')
  const value = issue?.path.reduce<unknown>(
    (at, step) => (at as Record<PropertyKey, unknown> | undefined)?.[step],
    given,
  )
  throw new ConfigError(path, issue?.code === 'unrecognized_keys' ? issue.keys : value, expected(key, issue))
}
