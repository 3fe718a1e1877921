import type { ArgumentAudit, ContractsAudit, Narrowing, ToolAudit } from '@gatewright/runtime/testing'
import { describeFields, describeReach } from './describe-reach.ts'
import { inert, type Paints, paints, type Terminal, wrapped } from './terminal.ts'

const LEGEND =
  'Once the model has read anything untrusted, in attest mode, and with the model wholly under an attacker’s control. Any other value asks a person, or is refused. Policy, authority, task grants and limits can only take away. Under each tool stand the contract lines that would narrow it: those marked ! look like an oversight, those marked · are wider than they could be, which may be meant.'

const ANSWERS = {
  low: 'permitted',
  medium: 'permitted and flagged for review',
  high: 'a person is asked',
  critical: 'always denied',
} as const

const HEADS = ['argument', 'type', 'who', 'with what values'] as const
const LEAST_WIDTH = 60

/** An audit as a table for people. */
export function printAudit(
  audit: ContractsAudit,
  { columns = 100, isColoured }: Pick<Terminal, 'columns' | 'isColoured'>,
): string {
  const paint = paints(isColoured)
  const width = Math.max(LEAST_WIDTH, columns)
  return [
    ...wrapped(LEGEND, width).map(paint.dim),
    ...audit.tools.flatMap((tool) => ['', ...toolLines(tool, width, paint)]),
    ...(audit.findings.length === 0 ? [] : ['', ...findingLines(audit, width, paint)]),
    '',
    verdict(audit, paint),
    '',
  ].join('\n')
}

function toolLines(tool: ToolAudit, width: number, paint: Paints): string[] {
  const facts = [
    tool.egress ? `${tool.effect}, egress` : tool.effect,
    `risk ${tool.risk} (${ANSWERS[tool.risk]})`,
    ...(tool.notOfAgent ? ['not among the tools of the agent'] : []),
    ...(tool.readers === 'everyone' ? ['what it returns is for everyone'] : []),
  ]
  return [
    `${paint.bold(inert(tool.tool))}  ${facts.join(' · ')}`,
    ...argumentLines(tool, width, paint),
    ...hanging(`  returns: `, inert(describeFields(tool.fields)), width).map(paint.dim),
    ...[...tool.narrowings, ...tool.arguments.flatMap(({ narrowings }) => narrowings)]
      .toSorted((a, b) => Number(a.level === 'option') - Number(b.level === 'option'))
      .flatMap((narrowing) => narrowingLines(narrowing, tool.tool, width, paint)),
  ]
}

type Row = readonly [path: string, type: string, who: string, values: string]

function argumentLines(tool: ToolAudit, width: number, paint: Paints): string[] {
  if (tool.arguments.length === 0) return ['  no arguments']
  const rows: Row[] = tool.arguments.flatMap((argument) => rowsOf(argument, tool))
  const widths = HEADS.slice(0, 3).map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const last = Math.max(24, width - 2 - widths.reduce((sum, one) => sum + one + 2, 0))
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd()
  return [
    paint.dim(line(HEADS)),
    ...rows.flatMap(([path, type, who, values]) =>
      wrapped(values, last).map((part, index) => {
        const text = line(index === 0 ? [path, type, who, part] : ['', '', '', part])
        return index === 0 && who === 'anyone'
          ? text.replace(/ anyone /, ` ${paint.yellow('anyone')} `)
          : text
      }),
    ),
  ]
}

function rowsOf(argument: ArgumentAudit, { audience, effect, egress }: ToolAudit): Row[] {
  const isPlain = argument.reaches.some((reach) => reach.by === 'anyone' && reach.why === 'plain-read')
  const type = `${argument.type}${argument.kind === undefined ? '' : ` ${argument.kind}`}${argument.isNamed || isPlain ? '' : ' (unnamed)'}`
  const ways = argument.reaches.map((reach) => describeReach(reach, argument, audience))
  const isFree = argument.reaches.some(({ by }) => by === 'anyone')
  const notes = [
    ...(argument.freeForm && !isFree ? ['nobody may choose a key of it that is not listed as harmless'] : []),
    ...(argument.whenAbsent === 'asks' && !isFree && (effect !== 'read' || egress)
      ? ['left out, the call asks']
      : []),
  ]
  const rows: (readonly [who: string, values: string])[] = [
    ...(ways.length === 0
      ? [['nobody', 'it asks each time'] as const]
      : ways.map(({ who, values }) => [who, values] as const)),
    ...notes.map((note) => ['', note] as const),
  ]
  return rows.map(([who, values], index) => [
    index === 0 ? inert(argument.path) : '',
    index === 0 ? inert(type) : '',
    who,
    inert(values),
  ])
}

function narrowingLines(
  { level, key, line, because }: Narrowing,
  tool: string,
  width: number,
  paint: Paints,
): string[] {
  const own = `contracts.${tool}`
  const where = key === own ? '' : key.startsWith(`${own}.`) ? key.slice(own.length + 1) : key
  // The line names its argument itself.
  const under = where.startsWith('args.') || where === '' || where === line.split(':')[0] ? '' : `${where}: `
  const mark = level === 'doubt' ? '  ! ' : '  · '
  const lines = hanging(mark, inert(`${line}  // ${under}${because}`), width)
  return lines.map(level === 'doubt' ? paint.yellow : paint.dim)
}

function findingLines({ findings }: ContractsAudit, width: number, paint: Paints): string[] {
  return findings.flatMap(({ level, message }) =>
    hanging(level === 'error' ? 'error: ' : 'warning: ', inert(message), width).map(
      level === 'error' ? paint.red : paint.yellow,
    ),
  )
}

function verdict({ ok, tools, findings }: ContractsAudit, paint: Paints): string {
  const narrowings = tools.flatMap((tool) => [
    ...tool.narrowings,
    ...tool.arguments.flatMap((argument) => argument.narrowings),
  ])
  const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`
  const counts = [
    count(tools.length, 'tool'),
    count(findings.filter(({ level }) => level === 'error').length, 'error'),
    count(findings.filter(({ level }) => level === 'warning').length, 'warning'),
    count(narrowings.filter(({ level }) => level === 'doubt').length, 'doubt'),
  ].join(', ')
  const said = ok ? paint.green('the contracts can be used') : paint.red('the contracts would be refused')
  return `${counts}: ${said}`
}

function hanging(mark: string, text: string, width: number): string[] {
  const indent = ' '.repeat(mark.length)
  return wrapped(text.replaceAll('\n', ' '), width - mark.length).map(
    (line, index) => `${index === 0 ? mark : indent}${line}`,
  )
}
