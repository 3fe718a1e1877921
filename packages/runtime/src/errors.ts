import type { Decision } from './policy/decision.ts'

const MARKER = Symbol.for('gatewright.error')

export type GuardErrorCode =
  | 'ERR_CONFIG_INVALID'
  | 'ERR_CONTRACT_INVALID'
  | 'ERR_CONTRACT_MISSING'
  | 'ERR_INPUT_INVALID'
  | 'ERR_DENIED'
  | 'ERR_CALL_UNKNOWN'
  | 'ERR_CALL_REPLAYED'
  | 'ERR_APPROVAL_REQUIRED'
  | 'ERR_APPROVAL_REJECTED'
  | 'ERR_APPROVAL_EXPIRED'
  | 'ERR_APPROVAL_STALE'
  | 'ERR_LIMIT_EXCEEDED'
  | 'ERR_BREAKER_OPEN'
  | 'ERR_HALTED'
  | 'ERR_CREDENTIAL'
  | 'ERR_CONSENT_REQUIRED'
  | 'ERR_INTERACTION_REQUIRED'
  | 'ERR_DESTINATION'
  | 'ERR_AGENT_EXPIRED'
  | 'ERR_AGENT_RETIRED'
  | 'ERR_AGENT_UNKNOWN'
  | 'ERR_AGENT_CONFLICT'
  | 'ERR_AGENT_SESSIONS'
  | 'ERR_AGENTS_UNAVAILABLE'
  | 'ERR_SUBJECT_INVALID'
  | 'ERR_SUBJECT_EXPIRED'
  | 'ERR_SUBJECT_UNAVAILABLE'
  | 'ERR_DELEGATION_INVALID'
  | 'ERR_RUN_ENDED'
  | 'ERR_RESULT_INVALID'
  | 'ERR_TOOL_CHANGED'
  | 'ERR_TOOL_UNVERIFIED'
  | 'ERR_DERIVE_INVALID'
  | 'ERR_LEDGER_INVALID'
  | 'ERR_POLICY_UNAVAILABLE'
  | 'ERR_AUTHORITY_UNAVAILABLE'
  | 'ERR_APPROVALS_UNAVAILABLE'
  | 'ERR_LIMITS_UNAVAILABLE'
  | 'ERR_AUDIT_UNAVAILABLE'
  | 'ERR_CREDENTIALS_UNAVAILABLE'
  | 'ERR_STORE_UNAVAILABLE'
  | 'ERR_STORE_FORGOT'

/**
 * Any error of Gatewright's. `message` may be shown to the model, so it never holds a value of a user,
 * a name of a reader or text of a policy: those stand in `decision`, which the model does not see.
 */
export class GuardError extends Error {
  readonly code: GuardErrorCode
  readonly decision: Decision | undefined

  static {
    Object.defineProperty(this.prototype, MARKER, { value: true })
  }

  constructor(code: GuardErrorCode, message: string, options: { cause?: unknown; decision?: Decision } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {})
    // One name for all: the AI SDK shows it to the model, and which check spoke is not for the model.
    this.name = 'GuardError'
    this.code = code
    this.decision = options.decision
  }

  /** Recognises a GuardError of any installed copy of the package. */
  static isInstance(value: unknown): value is GuardError {
    return typeof value === 'object' && value !== null && MARKER in value
  }
}

/** A call that was decided on and refused. */
export class DeniedError extends GuardError {}

/** A call that needs a person: none asked yet, no answer, a no, or a yes to something else. */
export class ApprovalError extends GuardError {
  /** The request a person can answer, where there is one. */
  readonly requestId: string | undefined

  constructor(
    code: `ERR_APPROVAL_${'REQUIRED' | 'REJECTED' | 'EXPIRED' | 'STALE'}`,
    message: string,
    options: { cause?: unknown; decision?: Decision; requestId?: string } = {},
  ) {
    super(code, message, options)
    this.requestId = options.requestId
  }
}

/** A quota or a breaker said no. */
export class LimitError extends GuardError {
  readonly retryAfterMs: number | undefined

  constructor(
    code: 'ERR_LIMIT_EXCEEDED' | 'ERR_BREAKER_OPEN',
    message: string,
    options: { cause?: unknown; decision?: Decision; retryAfterMs?: number } = {},
  ) {
    super(code, message, options)
    this.retryAfterMs = options.retryAfterMs
  }
}

type Inspect = (value: unknown, options: object) => string

/** No credential could be got for a call, or it was used where it may not be. */
export class CredentialError extends GuardError {
  // Private, since whoever logs an error would log them too.
  readonly #link: string | undefined
  readonly #claims: string | undefined
  /** What was wrong, in a word for the developer: `audience`, `invalid_grant`. Holds no value of anybody's. */
  readonly reason: string | undefined

  static {
    // A logger that calls getters would print what is for one user's session.
    const value = function (this: CredentialError, _: number, options: object, inspect: Inspect): string {
      return inspect(this, { ...options, getters: false, customInspect: false })
    }
    Object.defineProperty(this.prototype, Symbol.for('nodejs.util.inspect.custom'), { value })
  }

  constructor(
    code: 'ERR_CREDENTIAL' | 'ERR_CONSENT_REQUIRED' | 'ERR_INTERACTION_REQUIRED',
    message: string,
    options: { cause?: unknown; decision?: Decision; reason?: string; link?: string; claims?: string } = {},
  ) {
    super(code, message, options)
    this.reason = options.reason
    this.#link = options.link
    this.#claims = options.claims
  }

  /** Where the user can consent. For their own session alone: never for the model, a log or anybody else. */
  get link(): string | undefined {
    return this.#link
  }

  /** The challenge of an issuer that wants the user to authenticate again (`claims`), to be passed on as it is. */
  get claims(): string | undefined {
    return this.#claims
  }
}

/** The kill switch is on for something this call is part of. */
export class HaltedError extends GuardError {}

/** Something the guard leans on could not be reached, so the answer is no. */
export class UnavailableError extends GuardError {}

/** What a developer wrote is not usable: the message names the key, what was given and what is expected. */
export class ConfigError extends GuardError {
  constructor(
    key: string,
    given: unknown,
    expected: string,
    code: 'ERR_CONFIG_INVALID' | 'ERR_CONTRACT_INVALID' | 'ERR_CONTRACT_MISSING' = 'ERR_CONFIG_INVALID',
  ) {
    super(code, `${key}: expected ${expected}; got ${shown(given)}.`)
  }
}

/** A contract that is missing or wrong, found while wrapping, before any call. */
export class ContractError extends ConfigError {
  constructor(
    key: string,
    given: unknown,
    expected: string,
    code: 'ERR_CONTRACT_INVALID' | 'ERR_CONTRACT_MISSING' = 'ERR_CONTRACT_INVALID',
  ) {
    super(key, given, expected, code)
  }
}

function shown(given: unknown): string {
  if (given === undefined) return 'nothing'
  if (typeof given === 'function') return 'a function'
  const text = typeof given === 'string' ? `'${given}'` : (JSON.stringify(given) ?? String(given))
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
