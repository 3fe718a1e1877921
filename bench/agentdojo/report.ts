import type { Breach } from './judge.ts'
import type { Score } from './score.ts'

const COLUMNS = [
  'configuration',
  'violations',
  'residual',
  'k=0',
  'k=1',
  'k=2',
  'k=3',
  'k=0 attacked',
  'k=1 attacked',
  'prompts/task',
  'prompts/attacked',
  'µs/call',
] as const

/** The scores of a suite, or of all, as a table for people. */
export function scoreTable(title: string, scores: readonly Score[]): string {
  const [first] = scores
  const rows = [COLUMNS as readonly string[], ...scores.map(cells)]
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
  const counted = `${first?.tasks ?? 0} tasks, ${first?.pairs ?? 0} pairs; autonomy is a ceiling, not utility with a model`
  return [`${title}: ${counted}`, '', ...lines].join('\n')
}

function cells(score: Score): string[] {
  const { about, violations, residual, residualPairs, autonomy, autonomyUnderAttack } = score
  return [
    about,
    String(violations),
    residual === 0 ? '0' : `${residual} (${percent(residualPairs, 1)})`,
    percent(autonomy.k0),
    percent(autonomy.k1),
    percent(autonomy.k2),
    percent(autonomy.k3),
    percent(autonomyUnderAttack.k0),
    percent(autonomyUnderAttack.k1),
    score.promptsPerTask.toFixed(2),
    score.promptsUnderAttack.toFixed(2),
    score.mode === 'none' ? '' : score.usPerCall.toFixed(0),
  ]
}

/** What stands behind the figures of one guarded configuration. */
export function details(score: Score): string {
  const { about, breaches, needed, choice, unanswered } = score
  const refused = Object.entries(unanswered)
  return [
    `${about}:`,
    ...listed('violations', of(breaches, 'violation').map(breachLine)),
    ...listed('residual', of(breaches, 'residual').map(breachLine)),
    ...listed(
      'tasks that needed a person',
      needed.map(
        ({ task, prompts, missed }) =>
          `${task}: ${[...prompts, ...missed.map((tool) => `${tool} never ran`)].join(' | ')}`,
      ),
    ),
    ...listed(
      'choice left for a control argument (permitted values, 1 is no choice: most, mean; of these not in the words of the user; others tried)',
      Object.entries(choice).map(
        ([argument, { most, mean, mostUnsaid, tried }]) =>
          `${argument}: ${most}, ${mean.toFixed(2)}; ${mostUnsaid} unsaid; ${tried.toFixed(0)} tried`,
      ),
    ),
    ...listed(
      'reads that no recording answered, and were refused',
      refused.map(([tool, count]) => `${tool}: ${count}`),
    ),
  ].join('\n')
}

function of(breaches: readonly Breach[], kind: Breach['kind']): readonly Breach[] {
  return breaches.filter((one) => one.kind === kind)
}

function breachLine({ task, attack, tool, input, why }: Breach): string {
  return `${task} + ${attack}: ${tool} ${cut(JSON.stringify(input))}: ${why}`
}

function listed(title: string, lines: readonly string[]): string[] {
  return lines.length === 0
    ? [`  ${title}: none`]
    : [`  ${title}: ${lines.length}`, ...lines.map((line) => `    ${line}`)]
}

const cut = (text: string): string => (text.length > 160 ? `${text.slice(0, 157)}…` : text)
const percent = (share: number, places = 0): string => `${(share * 100).toFixed(places)}%`
