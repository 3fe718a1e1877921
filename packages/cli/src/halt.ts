import { userInfo } from 'node:os'
import {
  ConfigError,
  GuardError,
  type HaltRecord,
  type HaltReport,
  haltReports,
  type HaltScope,
  type StoreHalts,
  storeHalts,
} from '@gatewright/runtime'
import { openStore, type OpenStore, type StoreOptions } from './open-store.ts'
import { inert, paints, type Terminal } from './terminal.ts'
import { UsageError } from './usage-error.ts'

export interface WhyOptions extends StoreOptions {
  readonly reason: string
  /** Default: the name of the account at this machine. */
  readonly by?: string
}

/**
 * Halt a scope in every process that shares the store, and say how far that has come.
 *
 * Resolves with 1 if the store could not be reached.
 *
 * @throws {UsageError} If the scope or the store is not usable as given.
 */
export async function halt(scope: string, options: WhyOptions, terminal: Terminal): Promise<number> {
  return withHalts(options, terminal, async (halts, store) => {
    const halted = await halts.halt(scopeOf(scope), whyOf(options))
    const { processes, at } = halted
    const { confirmed = 0, ranOut = 0 } = processes ?? {}
    const silent = `${ranOut} did not answer, and halted when ${ranOut === 1 ? 'its lease' : 'their leases'} ran out`
    await terminal.out(
      `Halted ${inert(scope)} at ${at.toISOString()}. ${confirmed} ${confirmed === 1 ? 'process' : 'processes'} confirmed${ranOut === 0 ? '' : `; ${silent}`}.\n`,
    )
    if (confirmed === 0) return
    // The halt is in force; what follows it may take as long as the hooks of the guards are given.
    const reports = await haltReports(store, halted, { signal: AbortSignal.timeout(FOLLOWING_MS) }).catch(
      () => [],
    )
    for (const report of reports) await terminal.out(followed(report))
  })
}

/** Lift the halt of a scope. Resolves with 1 if the store could not be reached, or nothing was halted. */
export async function resume(scope: string, options: WhyOptions, terminal: Terminal): Promise<number> {
  return withHalts(options, terminal, async (halts) => {
    if (await halts.resume(scopeOf(scope), whyOf(options))) {
      await terminal.out(`Resumed ${inert(scope)}. Runs that the halt ended stay ended.\n`)
      return 0
    }
    await terminal.error(`gatewright: ${inert(scope)} is not halted.\n`)
    return 1
  })
}

/** Print what is halted, and by whom. */
export async function listHalts(
  options: StoreOptions & { readonly json?: boolean },
  terminal: Terminal,
): Promise<number> {
  return withHalts(options, terminal, async (halts) => {
    const records = halts.list()
    if (options.json === true) await terminal.out(`${JSON.stringify(records)}\n`)
    else if (records.length === 0) await terminal.out('Nothing is halted.\n')
    else await terminal.out(records.map((record) => lineOf(record, terminal)).join(''))
  })
}

async function withHalts(
  options: StoreOptions,
  terminal: Terminal,
  use: (halts: StoreHalts, store: OpenStore['store']) => Promise<number | void>,
): Promise<number> {
  const opened = await openStore(options).catch(inOneSentence)
  try {
    await using halts = storeHalts(opened.store)
    await halts.opened()
    return (await use(halts, opened.store)) ?? 0
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message)
    if (!isOutOfReach(error)) throw error
    await terminal.error(`gatewright: ${inert(sentence(error))}\n`)
    return 1
  } finally {
    await opened.close()
  }
}

function inOneSentence(error: unknown): never {
  if (isOutOfReach(error)) throw new UsageError(sentence(error))
  throw error
}

function isOutOfReach(error: unknown): error is GuardError {
  return GuardError.isInstance(error) && error.code.startsWith('ERR_STORE_')
}

/** What failed, and why, but never the address: it may hold a password. */
function sentence({ message, cause }: GuardError): string {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  const why = typeof code === 'string' ? ` (${code})` : ''
  return `${message.replace(/\.$/, '')}${why}; nothing is known to have changed, so try again.`
}

const FOLLOWING_MS = 15_000

/** What one process did about a halt; nothing where there was nothing to do. */
function followed({ agent, hooks, stillRunning }: HaltReport): string {
  const done = (hooks ?? []).map(
    ({ name, confirmed }) => `  ${name}: ${confirmed ? 'confirmed' : 'NOT confirmed'}\n`,
  )
  const open = hooks === undefined ? ['  what follows the halt is not over yet\n'] : []
  const calls = stillRunning.map(
    ({ tool, run, since }) => `  still running: ${tool} of run ${run}, since ${since.toISOString()}\n`,
  )
  const lines = [...done, ...open, ...calls].map((line) => `${inert(line.trimEnd())}\n`)
  return lines.length === 0 ? '' : [`${inert(agent)}:\n`, ...lines].join('')
}

function lineOf({ scope, by, reason, at }: HaltRecord, { isColoured }: Terminal): string {
  const { bold } = paints(isColoured)
  return `${bold(inert(nameOf(scope)))}  since ${at.toISOString()}, by ${inert(by)}: ${inert(reason)}\n`
}

function nameOf(scope: HaltScope): string {
  const [[kind, name] = ['', '']] = Object.entries(scope)
  return name === true ? kind : `${kind}:${String(name)}`
}

function scopeOf(given: string): HaltScope {
  if (given === 'everything') return { everything: true }
  const [kind = ''] = given.split(':', 1)
  const name = given.slice(kind.length + 1)
  switch (kind) {
    case 'run':
      return { run: name }
    case 'session':
      return { session: name }
    case 'user':
      return { user: name }
    case 'agent':
      return { agent: name }
    case 'tool':
      return { tool: name }
    case 'tenant':
      return { tenant: name }
    default:
      throw new UsageError(
        `'${given}' is not a scope; expected run:ID, session:ID, user:NAME, agent:ID, agent:ID@VERSION, tool:NAME, tenant:NAME or everything.`,
      )
  }
}

function whyOf({ by = userInfo().username, reason }: WhyOptions): { by: string; reason: string } {
  return { by, reason }
}
