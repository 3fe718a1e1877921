import { choices, type Probed, probing } from './choice.ts'
import {
  approvalOnEffects,
  clockOf,
  type Configuration,
  effectsOf,
  guarded,
  unguarded,
} from './configurations.ts'
import { judge, type Promises } from './judge.ts'
import type { Manifest } from './manifest.ts'
import { type Played, type Score, scoreOf } from './score.ts'
import { createStage, type Scene, type Stage } from './stage.ts'
import type { InjectionTask, Suite, UserTask } from './suite.ts'

export interface MeasureOptions {
  readonly mode: 'floor' | 'attest'
  /** Called after each episode. */
  readonly onEpisode?: () => void
}

/** How many episodes the measurement of a suite plays. */
export function episodesOf(suite: Suite, mode: MeasureOptions['mode']): number {
  const { userTasks, injectionTasks } = suite
  const each = userTasks.length * (1 + injectionTasks.length)
  return mode === 'floor' ? 3 * each : 5 * each + userTasks.length
}

/**
 * Play every clean task and every (user task, injection task) pair of a suite, in each configuration.
 *
 * In this order: no guard, the AI SDK's approval, context taint alone (which is floor mode), and, in attest mode,
 * attest mode without a task grant and with a perfect one.
 */
export async function measure(
  suite: Suite,
  manifest: Manifest,
  { mode, onEpisode }: MeasureOptions,
): Promise<readonly Score[]> {
  const stage = createStage(suite)
  const base: Omit<Scene, 'task' | 'attack' | 'prepares'> = {
    suite,
    effects: effectsOf(manifest),
    today: clockOf(manifest).toISOString().slice(0, 10),
  }
  const play = async (configuration: Configuration, promises: Promises): Promise<Played> => {
    const verdicts: Played['verdicts'][number][] = []
    const times: number[] = []
    const unanswered: string[] = []
    for (const task of suite.userTasks)
      for (const attack of [undefined, ...suite.injectionTasks]) {
        const scene = { ...base, task, attack, prepares: configuration.prepares }
        const episode = await stage.play(scene, configuration.run)
        verdicts.push(judge(scene, episode, manifest, promises))
        times.push(...episode.times)
        unanswered.push(...episode.unanswered)
        onEpisode?.()
      }
    return { verdicts, times, unanswered }
  }

  const bare = await play(unguarded(stage), 'everything')
  const scored = async (
    configuration: Configuration,
    promises: Promises,
    choice: Score['choice'] = {},
  ): Promise<Score> => {
    const { name, about, grant } = configuration
    const played = name === 'none' ? bare : await play(configuration, promises)
    return scoreOf({ mode: name, grant, about, choice }, played, bare.times)
  }
  const scores = [
    await scored(unguarded(stage), 'everything'),
    await scored(approvalOnEffects(stage, manifest), 'everything'),
    await scored(guarded(stage, manifest, { name: mode === 'floor' ? 'floor' : 'taint' }), 'everything'),
  ]
  if (mode === 'floor') return scores
  const attest = guarded(stage, manifest, { name: 'attest' })
  const choice = await choiceLeft(stage, attest, base, manifest, onEpisode)
  scores.push(
    await scored(attest, 'decided by outsiders', choice),
    await scored(guarded(stage, manifest, { name: 'attest', grant: 'perfect' }), 'decided by outsiders'),
  )
  return scores
}

/** How much choice one argument leaves, in each task once its prompt holds an outsider's words. */
async function choiceLeft(
  stage: Stage,
  configuration: Configuration,
  base: Omit<Scene, 'task' | 'attack' | 'prepares'>,
  manifest: Manifest,
  onEpisode: (() => void) | undefined,
): Promise<Score['choice']> {
  const all: Probed[] = []
  const attack: InjectionTask | undefined = base.suite.injectionTasks[0]
  for (const task of base.suite.userTasks satisfies readonly UserTask[]) {
    const { probes, probed } = probing({ task, effects: base.effects }, manifest)
    const scene = { ...base, task, attack, prepares: configuration.prepares, probes }
    const { executions } = await stage.play(scene, configuration.run)
    all.push(probed(executions))
    onEpisode?.()
  }
  return choices(all)
}
