import { differences, type PinDifference } from '@gatewright/adapters/mcp'
import { inert, paints, type Terminal } from './terminal.ts'

/** What one server's tools are, against the pins. */
export interface ServerDifference {
  readonly server: string
  readonly tools: readonly (PinDifference & { readonly digest: string | undefined })[]
  readonly unusable: readonly string[]
}

/** The digest as a person hands it on. All of it: whoever writes both definitions finds two that share half. */
export function bareDigest(digest: string): string {
  return digest.replace('sha256:', '')
}

/** The same for a machine. */
export function asJson({ server, tools, unusable }: ServerDifference): object {
  return {
    server,
    tools: tools.map(({ tool, kind, digest, accepted, listed }) => ({
      tool,
      kind,
      ...(digest === undefined ? {} : { digest }),
      differences: differences(accepted, listed),
    })),
    unusable,
  }
}

/** What differs, line by line, with everything hidden written as an escape. */
export function asText({ server, tools, unusable }: ServerDifference, terminal: Terminal): string {
  const { bold, dim, red, green, yellow } = paints(terminal.isColoured)
  const lines: string[] = []
  const changes = tools.filter(({ kind }) => kind !== 'same')
  lines.push(bold(`${inert(server)}: ${tools.length} tools, ${summary(tools)}`))
  for (const { tool, kind, digest, accepted, listed } of changes) {
    lines.push('', `${yellow(kind)} ${bold(oneLine(tool))}`)
    for (const { path, accepted: before, listed: now } of differences(accepted, listed)) {
      lines.push(dim(`  ${path}`))
      if (before !== undefined) lines.push(red(`  - ${before}`))
      if (now !== undefined) lines.push(green(`  + ${now}`))
    }
    const word = shellWord(`${tool}@${digest === undefined ? 'gone' : bareDigest(digest)}`)
    const why = digest === undefined ? 'to forget it' : 'to accept it'
    lines.push(
      dim(
        word === undefined
          ? '  its name holds what no screen shows, and no model can call it'
          : `  ${why}: gatewright mcp accept --server ${server} ${word}`,
      ),
    )
  }
  for (const name of unusable)
    lines.push(
      '',
      `${yellow('unusable')} ${bold(oneLine(name))}: listed twice, too long, or no definition of a tool`,
    )
  return `${lines.join('\n')}\n`
}

function oneLine(name: string): string {
  return inert(name).replaceAll('\n', String.raw`\n`)
}

/** A word of a command that a person pastes into a shell (POSIX §2.2.2): the server has chosen the name in it. */
function shellWord(text: string): string | undefined {
  if (oneLine(text) !== text) return undefined
  return /^[\w./@-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}

function summary(tools: ServerDifference['tools']): string {
  const counts = (['new', 'changed', 'gone'] as const)
    .map((kind) => [tools.filter((tool) => tool.kind === kind).length, kind] as const)
    .filter(([count]) => count > 0)
  return counts.length === 0 ? 'all as they were accepted' : counts.map((one) => one.join(' ')).join(', ')
}
