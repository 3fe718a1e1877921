import type { CompiledContract } from './contract/compile.ts'
import type { InputShape } from './contract/input-shape.ts'
import type { JsonSchema } from './contract/json-schema.ts'
import type { Json } from './json/plain.ts'
import type { Awaitable } from './policy/decision.ts'

/** What `CredentialAccess.fetch` takes of the options of `fetch`. */
export interface CredentialRequestInit {
  readonly method?: string
  readonly headers?: RequestInit['headers']
  readonly body?: RequestInit['body']
  /** `follow` (default) goes on within the one origin; `manual` gives the redirect as it is. */
  readonly redirect?: 'follow' | 'manual' | 'error'
  readonly signal?: AbortSignal | null
}

/** The credential of a call, as its tool finds it in `options.context.credentials`. Dead once the call has ended. */
export interface CredentialAccess {
  /**
   * Send a request with the credential, to the origin that the contract names for it (`origin`, else that of
   * `resource`, else of `audience`). A token that is bound to a key gets its proof (RFC 9449).
   *
   * @throws {GuardError} `ERR_DESTINATION` for any other origin, on a redirect too, and for addresses inside the
   * network; that is counted as a violation of the run. `ERR_CREDENTIAL` after the call.
   */
  fetch(url: string | URL, init?: CredentialRequestInit): Promise<Response>
  /**
   * The credential itself, for a client that needs it. Where it goes from there is the tool's to answer for; it is
   * taken out of what the tool returns or throws.
   *
   * @throws {CredentialError} After the call, and for a token that is bound to a key.
   */
  token(): Promise<string>
}

/** What the guard hands to a tool besides its input. */
export interface Execution {
  readonly signal: AbortSignal
  /** Where the contract asks for a credential. */
  readonly credentials: CredentialAccess | undefined
}

/** Runs the tool itself. Called by the enforcement point alone, and only after a permit. */
export type Perform = (input: Json, execution: Execution) => unknown

/** A tool under contract, as the enforcement point sees it. */
export interface GuardedTool {
  readonly name: string
  /** Where it was found, such as the name of a server; undefined for a tool of the application's own. */
  readonly source?: string | undefined
  readonly contract: CompiledContract
  /** False for a tool that the provider runs, out of our sight. */
  readonly runsHere: boolean
  /** The JSON schema of its input. */
  readonly schema: JsonSchema
  readonly shape: InputShape
  /** Checks an input against the tool's schema; undefined where the schema cannot check. */
  readonly validate: ((input: Json) => Awaitable<boolean>) | undefined
  /** Runs the tool outside the agent loop, for look-ups of the guard. */
  readonly perform: Perform
}

/**
 * What a name looks like to a model or a person in a hurry: two tools from different places must not share it.
 *
 * Case, separators and the digits that look like letters do not count.
 */
export function looks(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '')
    .replaceAll('0', 'o')
    .replaceAll(/[1i|]/g, 'l')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
}
