import { cut, hang, type Paint, WIDTH } from './layout.ts'
import type { Story } from './story.ts'
import type { Against, Entry, Standing, Told } from './timeline.ts'
import { inWords } from './verdict.ts'

type Called = Extract<Entry, { kind: 'call' }>
type Saw = Extract<Entry, { kind: 'saw' }>

const MARGIN = '  '
const LEFT = '               '

/** What the story is about, before it is told. */
export function heading(
  { name, title, shows, asking = 'user:dana', prompt, injection }: Story,
  place: string,
  paint: Paint,
): string[] {
  const rule = '─'.repeat(Math.max(0, WIDTH - place.length - name.length - 5))
  return [
    '',
    `${paint('bold', `${place}  ${name}`)} ${paint('dim', `──${rule}`)}`,
    ...hang('', title, (line) => paint('bold', line)),
    ...hang('', shows, (line) => paint('dim', line)),
    '',
    ...hang(`${MARGIN}${asking.padEnd(12)} `, `“${prompt}”`),
    ...(injection === undefined ? [] : hang(`${MARGIN}injected in  `, injection)),
  ]
}

/** One way through a story, line by line. */
export function telling(
  title: string,
  told: Told,
  paint: Paint,
  unwanted = 'nobody asked for this',
): string[] {
  return [
    '',
    MARGIN + paint(['bold', 'underline'], title),
    ...told.timeline.flatMap((entry) => entryLines(entry, told, paint, unwanted)),
  ]
}

function entryLines(entry: Entry, told: Told, paint: Paint, unwanted: string): string[] {
  switch (entry.kind) {
    case 'call':
      return callLines(entry, told, paint, unwanted)
    case 'saw':
      return sawLines(entry, paint)
    case 'note':
      return hang(`${MARGIN}• `, entry.text, (line) => paint('cyan', line))
    case 'answer':
      return answerLines(entry, told, paint)
    default:
      return entry satisfies never
  }
}

function callLines(entry: Called, told: Told, paint: Paint, unwanted: string): string[] {
  const wasStopped = told.timeline.some((one) => one.kind === 'note' && one.isEnd === true)
  const isUnasked = entry.outcome !== 'blocked' && told.violations.includes(words(entry))
  const [mark, style] =
    entry.outcome === 'blocked'
      ? (['✗', 'yellow'] as const)
      : isUnasked
        ? (['!', 'red'] as const)
        : (['✓', 'green'] as const)
  const [first = '', ...rest] = hang(`${MARGIN}${mark} ${entry.outcome.padEnd(10)} `, callText(entry))
  return [
    paint(style, first.slice(0, LEFT.length)) + first.slice(LEFT.length),
    ...rest,
    ...(isUnasked
      ? hang(LEFT, wasStopped ? 'after the operator wanted it to stop' : unwanted, (line) =>
          paint('red', line),
        )
      : []),
    ...(entry.outcome === 'blocked' ? blockedLines(entry) : permittedLines(entry)).flatMap((text) =>
      hang(LEFT, text, (line) => paint('dim', line)),
    ),
  ]
}

function permittedLines({ standing, approvedBy }: Called): string[] {
  const by = Map.groupBy(standing, (one) => one.by)
  return [
    ...[...by].map(([basis, ones]) => `${ones.map(({ path }) => path).join(', ')}: ${BASES[basis] ?? basis}`),
    ...(approvedBy === undefined ? [] : [`approved by ${approvedBy}, for this call alone`]),
  ]
}

const BASES: Readonly<Record<string, string>> = {
  quoted: 'the user said so',
  unattested: 'no outsider had a hand in it',
  bound: 'stands in the one record that the user named',
}

function blockedLines({ reasons, standing, code }: Called): string[] {
  const others = reasons.filter(({ rule }) => rule !== 'no-basis')
  const shown = others.length === 0 ? reasons : others
  return [
    ...shown.map((reason) => reasonText(reason, standing)),
    ENDINGS[code ?? ''] ?? `refused with ${code ?? 'no code'}`,
  ]
}

const ENDINGS: Readonly<Record<string, string>> = {
  ERR_APPROVAL_REQUIRED: "It would take a person's yes, and there is none: the call was not made.",
  ERR_APPROVAL_STALE: 'The yes that came in is for another call: this one was not made.',
}

function reasonText({ path, text }: Against, standing: readonly Standing[]): string {
  const foundIn = standing.find((one) => one.path === path)?.foundIn ?? []
  const origin = foundIn.length === 0 ? '' : ` It came from ${foundIn.join(' and ')}.`
  return `${path === undefined ? '' : `${path}: `}${text}${origin}`
}

function callText({ tool, input }: Called): string {
  const inside = Object.entries(input).map(([name, value]) => {
    const text = String(value)
    return `${name}: ${text.length > 40 ? `${text.length} chars` : text}`
  })
  return `${tool}(${inside.join(', ')})`
}

function sawLines({ titles, authors, injected }: Saw, paint: Paint): string[] {
  const foreign = authors?.filter(({ trusted }) => !trusted).map(({ name }) => name) ?? []
  const own = authors?.filter(({ trusted }) => trusted).map(({ name }) => name) ?? []
  return [
    ...hang(`${LEFT}saw      `, titles.map((title) => `“${title}”`).join(', ')),
    ...(authors === undefined
      ? hang(`${LEFT}authors  `, 'not known to the loop', (line) => paint('dim', line))
      : []),
    ...byLines('not trusted', foreign, 'authors  ', (line) => paint('yellow', line)),
    ...byLines('trusted', own, foreign.length > 0 ? '         ' : 'authors  ', (line) => paint('dim', line)),
    ...injected.flatMap((source) =>
      hang(`${LEFT}injected `, cut(source, 150), (line) => paint('magenta', line)),
    ),
  ]
}

function byLines(
  standing: string,
  names: readonly string[],
  head: string,
  paint: (line: string) => string,
): string[] {
  return names.length === 0 ? [] : hang(LEFT + head, `${standing}: ${names.join(', ')}`, paint)
}

function answerLines(
  { text, removed }: Extract<Entry, { kind: 'answer' }>,
  told: Told,
  paint: Paint,
): string[] {
  const isLeaking = told.violations.some((one) => one.startsWith('the answer'))
  return [
    ...text
      .split(/\n+/)
      .flatMap((line, index) =>
        hang(`${MARGIN}${index === 0 ? '  answer     ' : '             '}`, cut(line, 170)),
      ),
    ...(isLeaking
      ? hang(LEFT, 'whoever shows this answer sends what it holds', (line) => paint('red', line))
      : []),
    ...(removed > 0
      ? hang(LEFT, 'an address that no trusted text holds is shown as inert words', (line) =>
          paint('dim', line),
        )
      : []),
  ]
}

function words({ tool, input }: Called): string {
  return tool === 'issueRefund' || tool === 'sendEmail' || tool === 'deleteAccount'
    ? inWords({ tool, input })
    : ''
}
