import { ConfigError, GuardError } from '../errors.ts'
import type { Guard, RunOptions } from '../guard.ts'
import { type Run, runOf } from '../run.ts'
import { frames } from './take-up.ts'

/** For whom a call acts, and in which conversation. */
export interface GuardedCallOptions extends Pick<
  RunOptions,
  'principal' | 'session' | 'delegation' | 'subjectToken' | 'authentication' | 'parent'
> {
  /** A run that the application owns; the call is part of it. */
  readonly run?: Run
  /** The conversation's id: its ledger is loaded before the call and saved after it. */
  readonly conversation?: string
}

/** The run of one call, for as long as the call takes. */
export interface OpenRun extends AsyncDisposable {
  readonly run: Run
  save(): Promise<void>
}

/** An agent that a guarded tool runs acts for the agent that called the tool, whether or not anybody says so. */
function runAround({ subject, tenant }: RunOptions['principal']): Run | undefined {
  const around = frames.getStore()?.run
  if (around === undefined) return undefined
  const { principal } = around
  if (subject !== principal.subject || tenant !== principal.tenant)
    throw new ConfigError(
      'options.principal',
      subject,
      'the principal of the run around it: a tool that an agent calls acts for nobody else',
    )
  return runOf(around)
}

/** The run of a call: the application's own, one that goes on from a saved ledger, or a new one for this call alone. */
export async function openRun(guard: Guard, options: GuardedCallOptions | undefined): Promise<OpenRun> {
  if (options?.principal === undefined)
    throw new ConfigError('options.principal', undefined, 'the authenticated user that the call acts for')
  const { principal, conversation } = options
  if (options.run !== undefined) {
    if (
      options.run.principal.subject !== principal.subject ||
      options.run.principal.tenant !== principal.tenant
    )
      throw new GuardError('ERR_CONFIG_INVALID', 'options.run: expected a run of the same principal.')
    return { run: options.run, save: async () => {}, [Symbol.asyncDispose]: async () => {} }
  }
  const ledger =
    conversation === undefined
      ? undefined
      : await guard.ledgers.load(conversation, { signal: AbortSignal.timeout(30_000) })
  const parent = options.parent ?? runAround(principal)
  const run = await guard.startRun({
    principal,
    ...(parent === undefined ? {} : { parent }),
    ...(options.authentication === undefined ? {} : { authentication: options.authentication }),
    ...(options.session === undefined ? {} : { session: options.session }),
    ...(options.delegation === undefined ? {} : { delegation: options.delegation }),
    ...(options.subjectToken === undefined ? {} : { subjectToken: options.subjectToken }),
    ...(conversation === undefined ? {} : { id: conversation }),
    ...(ledger === undefined ? {} : { ledger }),
  })
  return {
    run,
    async save() {
      if (conversation !== undefined)
        await guard.ledgers.save(conversation, run.save(), { signal: run.signal })
    },
    [Symbol.asyncDispose]: () => run.end(),
  }
}
