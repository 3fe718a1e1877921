import type { LanguageModel } from 'ai'
import { obedient } from './instructions.ts'
import { runBare } from './run-bare.ts'
import { runGuarded } from './run-guarded.ts'
import type { Story } from './story.ts'
import type { Told } from './timeline.ts'
import { usingTokens } from './token-use.ts'
import { problems } from './verdict.ts'

/** A story told twice. */
export interface Outcome {
  readonly story: Story
  readonly bare: Told
  readonly guarded: Told
  /** Why the story did not show what it should; none where it did. */
  readonly problems: readonly string[]
}

/** Tell a story twice, each time with a fresh scripted model, or with the model given. */
export async function tell(story: Story, model?: LanguageModel): Promise<Outcome> {
  const player = (): LanguageModel => model ?? usingTokens(obedient(story))
  const { bare, guarded } = await (story.told?.(story, player) ?? tellTwice(story, player))
  return { story, bare, guarded, problems: problems(story, bare, guarded, model === undefined) }
}

async function tellTwice(story: Story, player: () => LanguageModel): Promise<{ bare: Told; guarded: Told }> {
  return { bare: await runBare(story, player()), guarded: await runGuarded(story, player()) }
}
