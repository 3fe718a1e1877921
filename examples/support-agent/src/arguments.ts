import { parseArgs } from 'node:util'
import type { Story } from './story.ts'
import { stories } from './stories.ts'

/** What was asked for cannot be done as it was asked: one sentence that says so. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export interface Arguments {
  readonly help: boolean
  readonly list: boolean
  readonly json: boolean
  /** The stories to tell. */
  readonly chosen: readonly Story[]
  /** `provider/model`, or the scripted model. */
  readonly model: string | undefined
}

export const HELP = `npm run demo -- [options]

  --story NAME            tell one story; --list gives the names
  --list                  list the stories
  --json                  print one JSON object (with npm: npm run -s demo -- --json)
  --model PROVIDER/MODEL  let a real model play, by the package @ai-sdk/PROVIDER and its key;
                          left out, a scripted model plays that obeys whatever it reads
  --help                  print this

Ends with 1 if a story did not show what it should, 2 if it could not be told.`

/** @throws {UsageError} On a flag or a story that is not known. */
export function readArguments(given: readonly string[]): Arguments {
  const { help, list, json, story, model } = parsed(given)
  const chosen = story === undefined ? stories : stories.filter(({ name }) => name === story)
  if (chosen.length === 0)
    throw new UsageError(`--story: there is no story named ${String(story)}; --list gives the names.`)
  return { help, list, json, chosen, model }
}

function parsed(given: readonly string[]) {
  try {
    return parseArgs({
      args: [...given],
      options: {
        help: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        story: { type: 'string' },
        model: { type: 'string' },
      },
    }).values
  } catch (error) {
    const [sentence] = String((error as Error).message).split('. ')
    throw new UsageError(`${sentence ?? 'The options cannot be read'}; --help gives the options.`)
  }
}
