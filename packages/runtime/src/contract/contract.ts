import type { Json } from '../json/plain.ts'
import type { Acting } from '../principal.ts'
import type { Principal } from '../principal.ts'
import type { Argument } from './argument.ts'
import type { Field } from './field.ts'

/**
 * What may still be shown of an earlier result: all of it, none of it, or a part.
 *
 * A part is the result with properties and members of lists left out, and nothing changed or moved. It counts only
 * where the model was shown the result as the tool returned it; elsewhere, none of it is shown.
 */
export type StillShown = boolean | { readonly only: Json }

/** What a call does to the world. Unknown is irreversible. */
export type Effect = 'read' | 'write' | 'irreversible'

export type Risk = 'low' | 'medium' | 'high' | 'critical'

/**
 * How records stand in a result, and how to find one by what the user called it.
 *
 * A value of a record is bound when the user quoted its key, `lookup` for that key gave a complete result,
 * and exactly one record in it has that key.
 */
export interface RecordContract<Input = Record<string, Json>, Path extends string = string> {
  /** The kind of the record's id: `drive.file`. */
  readonly kind: string
  /** Path from the result to the records; the result itself where left out. `*` is a list of them. */
  readonly at?: string
  /** Paths, from the record, of the fields that together single it out. */
  readonly key: readonly Path[]
  /** Paths, from the record, of the fields that the key stands for. Default: the minted id of `kind` alone. */
  readonly binds?: readonly Path[]
  /** The input of this same tool that finds every record with these key values, in the order of `key`. */
  readonly lookup?: (...key: string[]) => Input
  /** Path, from the result, of a minted boolean that is true when nothing was left out. Always complete where left out. */
  readonly complete?: string
}

/** Who may read what a tool returns. Left out: the user and the agent. */
export type Readers =
  | 'everyone'
  | { readonly principals?: readonly string[]; readonly at?: readonly string[] }

export interface ApprovalRule {
  /** Who may say yes, as the approver's key or directory names them; any registered approver where left out. */
  readonly approvers?: readonly string[]
  /** How long a request stays open, in milliseconds. Default: the guard's. */
  readonly deadlineMs?: number
}

/** Over what a quota counts, and how long: all of its lifetime where `windowMs` is left out. */
interface Counted {
  readonly per: 'run' | 'session' | 'user' | 'agent' | 'tool' | 'resource' | 'tenant'
  /** Length of the window in milliseconds; the lifetime of the scope where left out. */
  readonly windowMs?: number
  /** `fixed` windows are aligned to the epoch; `sliding` is any stretch of that length. Default `fixed`. */
  readonly window?: 'fixed' | 'sliding'
}

/**
 * The most that calls may take together. What a call will really take is not known before it: `each` is held for
 * it until then, and what it took beyond that counts against the calls that follow.
 */
export type Quota = Counted &
  (
    | { readonly calls: number }
    /** In a unit of your own. `each` is the cost of a call, or the path of the argument that says it: `amount`. */
    | { readonly cost: number; readonly each: number | string }
    /** Bytes of results, as JSON in UTF-8. */
    | { readonly bytes: number; readonly each: number }
    /** Milliseconds that calls run. Default of `each`: the contract's `deadlineMs`. */
    | { readonly wallMs: number; readonly each?: number }
  )

/** One object of RFC 9396: what it is about, and whatever its type defines. */
export interface AuthorizationDetail {
  readonly type: string
  readonly [field: string]: Json | undefined
}

/** What a scope may depend on besides the input that was decided on. Nothing in it comes from the model. */
export interface CredentialContext {
  readonly principal: Principal
  readonly now: Date
}

type OrComputed<Input, T> = T | ((input: Input, context: CredentialContext) => T)

/** A token of this user and this agent, for one audience, got for the call. */
export interface TokenCredentials<Input = Record<string, Json>> {
  readonly audience: string
  /** Or computed: `({ id }) => ['orders:read:' + id]`, or fewer after hours. Reading an argument that is content throws. */
  readonly scopes: OrComputed<Input, readonly string[]>
  /** The URI of the protected resource (RFC 8707), where the server wants it named. */
  readonly resource?: string
  /** RFC 9396. */
  readonly authorizationDetails?: OrComputed<Input, readonly AuthorizationDetail[]>
  /** Where the token may be sent. Default: the origin of `resource`, else of `audience`, where that is a URL. */
  readonly origin?: string
}

/** A third party's key, by its name in the guard's secret source; read at the time of the call. */
export interface KeyCredentials {
  readonly secret: string
  /** The one origin that the key may be sent to. */
  readonly origin: string
  /** The header that carries it. Default `authorization`. */
  readonly header?: string
  /** What stands before it in the header. Default `Bearer` in `authorization`, nothing elsewhere. */
  readonly scheme?: string
}

export type ToolCredentials<Input = Record<string, Json>> = TokenCredentials<Input> | KeyCredentials

/** What the developer says about a tool, in full. `Input` and `Output` are the tool's own types. */
export interface ToolContract<
  Input = Record<string, Json>,
  InputPath extends string = string,
  OutputPath extends string = string,
> {
  readonly effect: Effect
  /** It reaches outside the trust boundary: a web search, a fetch. Makes even a read decide on its arguments. */
  readonly egress?: boolean
  /** Who runs the system behind the tool; `operator:NAME` in labels. */
  readonly operator?: string
  readonly args?: { readonly [P in InputPath]?: Argument }
  /** What each field of the result is, by path; a single field for a scalar result. */
  readonly result?: Field<OutputPath> | { readonly [P in OutputPath]?: Field<OutputPath> }
  readonly readers?: Readers
  readonly record?: RecordContract<Input, string> | readonly RecordContract<Input, string>[]
  /** Whom the content of a call reaches. Left out: the operator. */
  readonly audience?: (input: Input) => string | readonly string[]
  /** For the authority port. Default action: the tool's name; default resource: the tool. */
  readonly action?: string
  readonly resource?: (input: Input) => { readonly type: string; readonly id: string }
  readonly risk?: Risk
  readonly approval?: ApprovalRule
  /** How long an execution may take, in milliseconds. */
  readonly deadlineMs?: number
  /** What the flow rules' refusal means for this tool. Default `ask`. */
  readonly flow?: 'ask' | 'deny'
  /** `trusted`: an irreversible effect needs a trusted cause or an approval, attested arguments or not. */
  readonly cause?: 'trusted'
  /** `always`: control arguments need attestation even with a trusted cause. */
  readonly attest?: 'always'
  /** `authors`: every untrusted author of the cause needs authority for the call too. */
  readonly authority?: 'authors'
  readonly classification?: string
  /** Values that the developer stands for wherever they appear as arguments of this tool. */
  readonly constants?: readonly string[]
  /** The result carries labels of its own, put there with `labelled()` by the tool's code. */
  readonly carriesLabels?: boolean
  /**
   * Whether results of earlier turns may still be shown to the model: one answer each, asked at each new turn. A result
   * with any answer but these, or with none, is taken out of the prompt, and the model may call the tool again.
   */
  readonly revalidate?: (
    results: readonly Json[],
    options: { readonly acting: Acting; readonly signal: AbortSignal },
  ) => readonly StillShown[] | PromiseLike<readonly StillShown[]>
  /** The provider runs this tool inside the model request, out of the guard's sight; only for a read. */
  readonly providerExecuted?: 'allow'
  readonly credentials?: ToolCredentials<Input>
  /** One quota, or several: a call takes from all of them or does not run. */
  readonly quota?: Quota | readonly Quota[]
}

/** `'read'` is a whole contract: no effect, results authored by anyone. */
export type Contract<
  Input = Record<string, Json>,
  InputPath extends string = string,
  OutputPath extends string = string,
> = 'read' | ToolContract<Input, InputPath, OutputPath>
