import type { Case, Report } from './case.ts'

const COLUMNS = ['case', 'unit', 'p50', 'p99', 'baseline', 'ratio', 'target', ''] as const

/** A report as a table for people. */
export function table({ bench, cases, met }: Report, isColoured: boolean): string {
  const rows = [COLUMNS as readonly string[], ...cases.map(cellsOf)]
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
  const notes = cases.flatMap(({ name, measures, missing }) => {
    const note = missing ?? measures
    return note === undefined ? [] : [`${name}: ${note}`]
  })
  const verdict = cases.every(({ target }) => target === undefined)
    ? 'no targets, for comparison'
    : met
      ? 'every target is met'
      : 'a target is NOT met'
  return [`${bench}: ${verdict}`, '', ...lines, ...(notes.length === 0 ? [] : ['', ...notes])]
    .map((line) => (isColoured ? coloured(line) : line))
    .join('\n')
}

function cellsOf({ name, unit, p50, p99, baseline, ratio, target, met }: Case): string[] {
  const bound =
    target === undefined ? '' : `${unit === 'MB/s' ? '≥' : '≤'} ${target}${ratio === undefined ? '' : ' ×'}`
  return [
    name,
    unit,
    figure(p50),
    figure(p99),
    figure(baseline),
    ratio === undefined ? '' : `${figure(ratio)} ×`,
    bound,
    met === undefined ? '' : met ? 'met' : 'NOT MET',
  ]
}

function figure(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return ''
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

function coloured(line: string): string {
  return line
    .replace(/(?:NOT MET|a target is NOT met)$/, '\u001b[31m$&\u001b[0m')
    .replace(/(?<!NOT )(?:\bmet|every target is met)$/, '\u001b[32m$&\u001b[0m')
}
