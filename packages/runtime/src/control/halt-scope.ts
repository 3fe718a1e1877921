import { ConfigError } from '../errors.ts'

/** What a halt stops: exactly one of these. `agent` is an id, for all its versions, or `id@version`. */
export type HaltScope =
  | { readonly run: string }
  | { readonly session: string }
  | { readonly user: string }
  | { readonly agent: string }
  | { readonly tool: string }
  | { readonly tenant: string }
  | { readonly everything: true }

/** Who halted or resumed, and why; kept with the record. */
export interface HaltReason {
  readonly by: string
  readonly reason: string
}

/** What is about to act. `tool` is left out where no tool is called yet. */
export interface HaltSubject {
  readonly run: string
  readonly session?: string | undefined
  readonly user?: string | undefined
  /** `id@version`; the prefix `agent:` makes no difference. */
  readonly agent: string
  readonly tool?: string | undefined
  readonly tenant?: string | undefined
}

const KINDS = ['run', 'session', 'user', 'agent', 'tool', 'tenant'] as const
const EVERYTHING = 'everything'

/**
 * One name for a scope, however it is spelled.
 *
 * @throws {ConfigError} If it names nobody, or in a spelling nothing looks up: a switch that does nothing.
 */
export function keyOf(scope: HaltScope): string {
  const entries = Object.entries(scope)
  const [kind, value] = entries[0] ?? []
  const expected = `one of ${KINDS.join(', ')} with a name, or everything: true`
  if (entries.length !== 1) throw new ConfigError('halt.scope', scope, expected)
  if (kind === EVERYTHING && value === true) return EVERYTHING
  const known = KINDS.find((one) => one === kind)
  if (known === undefined || typeof value !== 'string' || bare(known, value) === '' || value.endsWith('@'))
    throw new ConfigError('halt.scope', scope, expected)
  return `${known}:${bare(known, value)}`
}

/** Under which names a subject can be halted. */
export function keysOf(subject: HaltSubject): string[] {
  const keys = [EVERYTHING]
  for (const kind of KINDS) {
    const value = subject[kind]
    if (value === undefined) continue
    const name = bare(kind, value)
    keys.push(`${kind}:${name}`)
    if (kind !== 'agent') continue
    for (let i = name.indexOf('@'); i !== -1; i = name.indexOf('@', i + 1))
      keys.push(`agent:${name.slice(0, i)}`)
  }
  return keys
}

/** @throws {ConfigError} If who or why is missing. */
export function checkedReason({ by, reason }: HaltReason): HaltReason {
  if (typeof by !== 'string' || by.trim() === '')
    throw new ConfigError('halt.by', by, 'the name of who asks for it')
  if (typeof reason !== 'string' || reason.trim() === '')
    throw new ConfigError('halt.reason', reason, 'a reason')
  return { by, reason }
}

/** `user:alice` and `alice` are one user, `agent:support` and `support` one agent, to someone in a hurry. */
function bare(kind: string, name: string): string {
  const prefix = `${kind}:`
  return (kind === 'user' || kind === 'agent') && name.startsWith(prefix) ? name.slice(prefix.length) : name
}
