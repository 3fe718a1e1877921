import { GuardError } from '@gatewright/runtime'
import { liveCredentials, type LiveCredential } from '@gatewright/runtime/credentials'
import { openStore, type StoreOptions } from './open-store.ts'
import { inert, paints, type Terminal } from './terminal.ts'

export interface CredentialsOptions extends StoreOptions {
  /** `support`, for all its versions, or `support@2.4.1`. All agents where left out. */
  readonly agent?: string
  readonly json?: boolean
}

const ANSWER_MS = 10_000

/**
 * Print which tokens agents hold, for whom, where and until when, by the records of all processes that share a store;
 * never a token. Resolves with 1 if the store could not be reached.
 *
 * @throws {UsageError} If the store is not usable as given.
 */
export async function listCredentials(options: CredentialsOptions, terminal: Terminal): Promise<number> {
  const { agent, json } = options
  const opened = await openStore(options)
  let found
  try {
    found = await liveCredentials(opened.store, { agent }, { signal: AbortSignal.timeout(ANSWER_MS) })
  } catch (error) {
    if (!GuardError.isInstance(error)) throw error
    await terminal.error(`gatewright: ${inert(error.message)}\n`)
    return 1
  } finally {
    await opened.close()
  }
  const now = Date.now()
  const live = found.filter(({ expires }) => Date.parse(expires) > now)
  if (json === true) await terminal.out(`${JSON.stringify(live)}\n`)
  else if (live.length === 0)
    await terminal.out(
      agent === undefined ? 'No agent holds a token.\n' : `${inert(agent)} holds no token.\n`,
    )
  else await terminal.out(live.map((one) => textOf(one, terminal)).join(''))
  return 0
}

function textOf(one: LiveCredential, { isColoured }: Terminal): string {
  const { bold, dim, green, yellow } = paints(isColoured)
  const paint = one.state === 'revoked' ? green : one.state === 'live' ? bold : yellow
  const rows: [string, string][] = [
    ['for', one.subject ?? 'the agent itself'],
    ['at', `${one.audience}, for ${one.scopes.join(' ')}`],
    ['from', `${one.issuer}, as its client ${one.client}`],
    [
      'run',
      [one.run, one.session && `session ${one.session}`, one.tenant && `tenant ${one.tenant}`]
        .filter(Boolean)
        .join(', '),
    ],
    ['held by', one.heldBy],
    ['until', one.expires],
    [
      'ended by',
      one.revocation === 'issuer'
        ? 'revoking it at its issuer: halt its run, user or agent'
        : 'running out alone',
    ],
  ]
  const lines = rows.map(([name, text]) => `  ${dim(name.padEnd(8))}  ${inert(text)}\n`)
  return `${bold(inert(one.id))}  ${paint(STATES[one.state] ?? inert(one.state))}  ${inert(one.agent)}\n${lines.join('')}`
}

const STATES: Readonly<Record<LiveCredential['state'], string>> = {
  live: 'live',
  dropped: 'no longer handed out',
  revoked: 'revoked',
  'not-confirmed': 'revoked, not confirmed',
}
