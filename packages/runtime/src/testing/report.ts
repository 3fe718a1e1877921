import type { ArgumentAudit, ToolAudit } from './audit-contracts.ts'
import type { AgentReport, CaseReport } from './kit.ts'
import { reachInWords } from './report-reach.ts'

/**
 * A report as text for a person: which tool can be reached by whom, with what values, what got through, which line
 * would narrow it, and what was not tried.
 */
export function printReport(report: AgentReport): string {
  const { contracts, cases, skipped, ok } = report
  return [
    ...contracts.tools.flatMap((tool) => toolLines(tool, report)),
    ...contracts.findings.map(({ level, message }) => `${level}: ${message}`),
    'Families',
    ...familyLines(cases),
    'Not tried',
    ...skipped.map(({ family, because }) => `  ${family}: ${because}`),
    '',
    verdict(report, ok),
    '',
  ].join('\n')
}

function toolLines(audit: ToolAudit, { cases, twins, left }: AgentReport): string[] {
  const { tool, effect, egress, risk } = audit
  const own = cases.filter((one) => one.tool === tool)
  const twin = twins.find((one) => one.tool === tool)
  const open = left.find((one) => one.tool === tool)
  return [
    `${tool}  ${egress ? `${effect}, reaches outside` : effect} · risk ${risk}`,
    ...audit.arguments.flatMap((argument) => argumentLines(argument, audit)),
    ...(twin === undefined
      ? []
      : [
          `  the user’s own call: ${twin.outcome}${twin.detail === undefined ? '' : ` (${twin.detail})`}`,
          `  with nothing said by the user: ${
            open === undefined
              ? 'cannot be called'
              : `${open.isGrave ? '! ' : ''}${open.example}${choices(open.choices)}`
          }`,
        ]),
    ...own.filter(({ outcome }) => outcome !== 'stopped').map(caseLine),
    ...narrowingLines(own),
    '',
  ]
}

function argumentLines(argument: ArgumentAudit, { audience }: ToolAudit): string[] {
  const ways = argument.reaches.map((reach) => reachInWords(reach, argument.type, audience))
  const kind = argument.kind === undefined ? '' : ` of ${argument.kind}`
  const [first = 'nobody: it asks each time', ...rest] = ways
  return [`  ${argument.path} (${argument.type}${kind}): ${first}`, ...rest.map((way) => `    or ${way}`)]
}

function caseLine({ promise, outcome, detail }: CaseReport): string {
  if (outcome === 'accepted') return `  accepted, although it is not so that ${promise}: ${detail}`
  if (outcome === 'not tried') return `  ? could not be tried: ${promise}`
  return `  ! GOT THROUGH: it is not so that ${promise}: ${detail}`
}

/** Each line once, however much it would have stopped. */
function narrowingLines(cases: readonly CaseReport[]): string[] {
  const lines = cases.flatMap(({ narrowings }) =>
    narrowings.map(({ key, line, because }) => `      ${key} → ${line}  // ${because}`),
  )
  return lines.length === 0 ? [] : ['    It would be narrower with', ...new Set(lines)]
}

function choices(of: Readonly<Record<string, readonly string[] | 'any'>>): string {
  const parts = Object.entries(of)
    .filter(([, values]) => values.length > 0)
    .map(
      ([path, values]) => `${path}: ${values === 'any' ? 'any' : values.slice(0, 5).map(named).join(' or ')}`,
    )
  return parts.length === 0 ? '' : `, where anyone chooses ${parts.join('; ')}`
}

const named = (value: string): string => (value === '' ? 'nothing' : value)

function familyLines(cases: readonly CaseReport[]): string[] {
  const families = [...new Set(cases.map(({ family }) => family))]
  return families.map((family) => {
    const own = cases.filter((one) => one.family === family)
    const counts = (['stopped', 'got through', 'accepted', 'not tried'] as const)
      .map((outcome) => [outcome, own.filter((one) => one.outcome === outcome).length] as const)
      .filter(([, count]) => count > 0)
    return `  ${family}: ${counts.map(([outcome, count]) => `${count} ${outcome}`).join(', ')}`
  })
}

function verdict({ cases, twins, left }: AgentReport, ok: boolean): string {
  const through = cases.filter(({ outcome }) => outcome === 'got through').length
  const refused = twins.filter(({ outcome }) => outcome === 'refused').length
  const grave = left.filter(({ isGrave }) => isGrave).length
  return `${cases.length} attacks, ${through} got through; ${twins.length} calls of the user’s own, ${refused} refused; ${grave} grave calls open to anyone: ${ok ? 'in order' : 'not in order'}`
}
