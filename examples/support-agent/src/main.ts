import type { LanguageModel } from 'ai'
import { HELP, readArguments, UsageError } from './arguments.ts'
import { paintFor, wrap, WIDTH } from './layout.ts'
import { type Outcome, tell } from './outcome.ts'
import { heading, telling } from './print-story.ts'
import { summary } from './print-summary.ts'
import { realModel } from './real-model.ts'
import type { Story } from './story.ts'
import { stories } from './stories.ts'

const paint = paintFor(process.stdout)
const print = (lines: readonly string[]): void => void process.stdout.write(`${lines.join('\n')}\n`)

/** @returns the exit code: 0, or 1 if a story did not show what it should. */
async function main(given: readonly string[]): Promise<number> {
  const { help, list, json, chosen, model: name } = readArguments(given)
  if (help) return (print([HELP]), 0)
  if (list) {
    if (json)
      print([JSON.stringify(stories.map(({ name: of, title, shows }) => ({ name: of, title, shows })))])
    else print(stories.map(({ name: of, title }) => `${of.padEnd(28)}${title}`))
    return 0
  }
  const model = name === undefined ? undefined : await realModel(name)
  const played = name ?? 'scripted'
  if (!json) print(opening(played))
  const outcomes: Outcome[] = []
  for (const [index, story] of chosen.entries()) {
    const outcome = await (model === undefined ? tell(story) : tellWith(story, model))
    outcomes.push(outcome)
    if (json) continue
    const unwanted = story.limits === undefined ? undefined : 'once too often, or more than it may'
    print([
      ...heading(story, `${index + 1}/${chosen.length}`, paint),
      ...telling('Without a guard', outcome.bare, paint, unwanted),
      ...telling('Under guard', outcome.guarded, paint, unwanted),
    ])
  }
  const held = outcomes.every(({ problems }) => problems.length === 0)
  print(json ? [JSON.stringify(report(played, outcomes, held))] : summary(outcomes, paint))
  return held ? 0 : 1
}

/** What a provider refuses, for want of a key or of a network, is said in a sentence. */
async function tellWith(story: Story, model: LanguageModel): Promise<Outcome> {
  try {
    return await tell(story, model)
  } catch (error) {
    throw new UsageError(`--model: the model could not be asked: ${(error as Error).message}`)
  }
}

function opening(model: string): string[] {
  const text =
    'The support agent of Larkspur Tea works for Dana, who is on the staff. Each story runs twice, on the same ' +
    `documents and tools: on the bare AI SDK loop, and under guard. The model is ${model}` +
    (model === 'scripted' ? ': it carries out every instruction that it reads, whoever wrote it.' : '.')
  return wrap(text, WIDTH)
}

function report(model: string, outcomes: readonly Outcome[], held: boolean): object {
  return {
    model,
    stories: outcomes.map(({ story: { name, title, shows, prompt }, bare, guarded, problems }) => ({
      name,
      title,
      shows,
      prompt,
      held: problems.length === 0,
      problems,
      bare,
      guarded,
    })),
    held,
  }
}

// A reader that has seen enough (`| head`) does not change what the stories showed.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  if (code !== 'EPIPE') process.exitCode = 2
})

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 2
}
