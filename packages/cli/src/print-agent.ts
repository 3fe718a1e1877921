import type { AgentCredential, AgentRecord, CountedSession, RetireStep } from '@gatewright/runtime/identity'
import { inert, paints, type Terminal } from './terminal.ts'

/** One agent in one line. */
export function agentLine(record: AgentRecord, { isColoured }: Terminal): string {
  const { bold } = paints(isColoured)
  const { id, version, type, environment, owner } = record
  return `${bold(inert(`${id}@${version}`))}  ${standing(record, isColoured)}  ${inert(type)}, ${inert(environment)}, of ${inert(owner)}\n`
}

/** All there is to know of an agent. */
export function agentText(
  record: AgentRecord,
  sessions: readonly CountedSession[] | undefined,
  { isColoured }: Terminal,
): string {
  const { bold, dim } = paints(isColoured)
  const rows: [string, string][] = [
    ['standing', standing(record, isColoured)],
    ['type', inert(record.type)],
    ['environment', inert(record.environment)],
    ['owner', inert(record.owner)],
    ['created', record.created.toISOString()],
    ['expires', record.expires.toISOString()],
    ['may call', record.allowedTools === undefined ? 'all tools under contract' : names(record.allowedTools)],
    ['may not call', names(record.deniedTools ?? [])],
    ['sessions', sessionsText(record, sessions)],
    ...record.credentials.map((one): [string, string] => ['credential', credentialText(one)]),
    ...record.overlaps.map(({ version, until, credentials }): [string, string] => [
      'overlap',
      `${inert(version)} until ${until.toISOString()}${credentials.map((one) => `; ${credentialText(one)}`).join('')}`,
    ]),
    ...record.changes.map(({ revision, action, at, by, reason, changed }): [string, string] => [
      `revision ${revision}`,
      `${action} at ${at.toISOString()} by ${inert(by)}: ${inert(reason)}${action === 'updated' || action === 'rotated' ? ` (${changed.join(', ')})` : ''}`,
    ]),
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const lines = rows.map(([name, text]) => `  ${dim(name.padEnd(width))}  ${text}\n`)
  return `${bold(inert(`${record.id}@${record.version}`))}\n${lines.join('')}`
}

/** What became of one thing that a retired agent held. */
export function stepLine(
  { system, action, confirmed, detail }: RetireStep,
  { isColoured }: Terminal,
): string {
  const { bold, green, red } = paints(isColoured)
  const mark = confirmed ? green('confirmed') : red('NOT confirmed')
  return `${bold(inert(system))}: ${inert(action)}, ${mark}: ${inert(detail)}\n`
}

function standing({ status, expires }: AgentRecord, isColoured: boolean): string {
  const { green, red } = paints(isColoured)
  if (status === 'retired') return red('retired')
  return expires.getTime() > Date.now() ? green('active') : red('expired')
}

function sessionsText({ maxSessions }: AgentRecord, sessions: readonly CountedSession[] | undefined): string {
  const most = maxSessions === undefined ? 'no limit' : `at most ${maxSessions}`
  return sessions === undefined ? most : `${sessions.length} now; ${most}`
}

function credentialText({ client, issuer, keys = [] }: AgentCredential): string {
  const at = issuer === undefined ? '' : ` at ${inert(issuer)}`
  return `client ${inert(client)}${at}${keys.length === 0 ? '' : `, keys ${names(keys)}`}`
}

function names(list: readonly string[]): string {
  return list.length === 0 ? 'none' : list.map(inert).join(', ')
}
