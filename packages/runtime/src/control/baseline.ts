import type { Alert } from './alert.ts'
import { type Chart, createChart, createHourlyChart, type HourlyChart } from './baseline-chart.ts'

/** What can be unusual. */
export type Unusual = Extract<Alert['kind'], 'calls' | 'first-use' | 'volume' | 'tokens'>

export interface BaselineOptions {
  /** Which of these halt the run, for a person to look. Default: none; they only alert. */
  readonly pause?: readonly Unusual[]
}

export interface Deviation {
  readonly kind: Unusual
  readonly text: string
}

/** What an agent usually does, learned from what it did in this process, and what it did that is not like it. */
export interface Baseline {
  /** A tool is called. */
  called(tool: string): readonly Deviation[]
  /** A result came back, of this size in bytes. */
  returned(tool: string, bytes: number): Deviation | undefined
  /** A model request used this many tokens. */
  used(tokens: number): Deviation | undefined
}

interface ToolHistory {
  readonly calls: HourlyChart
  readonly sizes: Chart
}

/** Calls after which a tool that was never used is news. As many as the charts learn from. */
const ENOUGH_CALLS = 25

/**
 * The baseline of one agent.
 *
 * Calls by tool and hour are counts, of which twice the root has a standard deviation of one whatever their mean
 * (Anscombe, "The transformation of Poisson, binomial and negative-binomial data", Biometrika 35, 1948). Sizes and
 * tokens are taken as logarithms; a spread of less than a tenth is taken for a tenth, or results that are always
 * alike would alert at one byte more.
 *
 * It sees what is unlike the past. What an attacker does slowly, or did from the start, is the past.
 */
export function createBaseline({ now }: { readonly now: () => Date }): Baseline {
  const tools = new Map<string, ToolHistory>()
  const tokens = createHourlyChart(0.1, Math.log1p)
  let calls = 0
  return {
    called(tool) {
      const out: Deviation[] = []
      let history = tools.get(tool)
      if (history === undefined) {
        history = { calls: createHourlyChart(1, anscombe), sizes: createChart(0.1) }
        tools.set(tool, history)
        if (calls >= ENOUGH_CALLS)
          out.push({ kind: 'first-use', text: 'The agent never used this tool before.' })
      }
      calls += 1
      if (history.calls.add(1, now().getTime()))
        out.push({ kind: 'calls', text: 'The agent calls this tool more often in an hour than it used to.' })
      return out
    },
    returned(tool, bytes) {
      const sizes = tools.get(tool)?.sizes
      if (sizes === undefined) return undefined
      const size = Math.log1p(bytes)
      const isUnusual = sizes.exceeds(size)
      sizes.observe(size)
      return isUnusual
        ? { kind: 'volume', text: 'A result of this tool is larger than they used to be.' }
        : undefined
    },
    used(amount) {
      return tokens.add(amount, now().getTime())
        ? { kind: 'tokens', text: 'The agent uses more tokens in an hour than it used to.' }
        : undefined
    },
  }
}

function anscombe(count: number): number {
  return 2 * Math.sqrt(count + 3 / 8)
}
