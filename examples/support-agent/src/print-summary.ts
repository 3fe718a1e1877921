import { cut, hang, type Paint, WIDTH } from './layout.ts'
import type { Outcome } from './outcome.ts'

const NAME = 30
const BARE = 42

/** What came of all stories: a row each, and what is wrong, if anything is. */
export function summary(outcomes: readonly Outcome[], paint: Paint): string[] {
  const attacks = outcomes.filter(({ bare }) => bare.violations.length > 0).length
  const failed = outcomes.filter(({ guarded }) => guarded.violations.length > 0).length
  const broken = outcomes.filter(({ problems }) => problems.length > 0).length
  const head = `${'story'.padEnd(NAME)}${'without a guard'.padEnd(BARE)}under guard`
  return [
    '',
    paint('bold', head),
    paint('dim', '─'.repeat(WIDTH)),
    ...outcomes.map((outcome) => row(outcome, paint)),
    paint('dim', '─'.repeat(WIDTH)),
    ...outcomes.flatMap(({ story, problems }) =>
      problems.flatMap((problem) => hang('✗ ', `${story.name}: ${problem}`, (line) => paint('red', line))),
    ),
    ...hang(
      '',
      `${outcomes.length} ${outcomes.length === 1 ? 'story' : 'stories'}. Without a guard ${attacks} went wrong; ` +
        `under guard ${failed}.${broken === 0 ? ' What the user had asked for was done.' : ''}`,
      (line) => paint(['bold', broken === 0 ? 'green' : 'red'], line),
    ),
  ]
}

function row({ story, bare, guarded, problems }: Outcome, paint: Paint): string {
  const mark = problems.length === 0 ? paint('green', '✓') : paint('red', '✗')
  const happened = bare.violations.length === 0 ? 'nothing wrong' : bare.violations.join('; ')
  const held = guarded.violations.length === 0 ? heldText(guarded) : guarded.violations.join('; ')
  return `${mark} ${story.name.padEnd(NAME - 2)}${cut(happened, BARE - 2).padEnd(BARE)}${cut(held, WIDTH - NAME - BARE)}`
}

function heldText({ timeline, missing, prompts }: Outcome['guarded']): string {
  const isBlocked = timeline.some((entry) => entry.kind === 'call' && entry.outcome === 'blocked')
  const isInert = timeline.some((entry) => entry.kind === 'answer' && entry.removed > 0)
  const hasAnswer = timeline.some(({ kind }) => kind === 'answer')
  if (!hasAnswer) return isBlocked ? 'blocked, then stopped' : 'stopped at once'
  const what = isBlocked ? 'blocked, ' : isInert ? 'made inert, ' : ''
  const done = missing.length === 0 ? 'task done' : 'task not done'
  return what + done + (prompts === 0 && what === '' ? ', nobody asked' : '')
}
