// Runs of every kind, ten thousand of them, and what they left behind. Needs --expose-gc.
import { getEventListeners } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import type { LanguageModelV4 } from '@ai-sdk/provider'
import { guardModel, guardTools, type Run, storeHalts } from '@gatewright/runtime'
import { memoryStore } from '@gatewright/runtime/store'
import { tool } from 'ai'
import { z } from 'zod'
import { ALICE, desk } from './shop.ts'

export interface Leak {
  /** Bytes that each run of the second half left behind. */
  readonly bytesPerRun: number
  readonly listeners: number
  readonly timers: number
  readonly inFlight: number
  /** How many calls ended, by how. */
  readonly ended: Readonly<Record<string, number>>
}

const RUNS = Number(process.argv[2])
const collect = (globalThis as { gc?: () => void }).gc
if (collect === undefined) throw new Error('Start it with --expose-gc.')
const WHY = { by: 'user:oncall', reason: 'INC-42' }
const ended: Record<string, number> = {}

// It keeps nothing of what it was asked, unlike a mock.
const model: LanguageModelV4 = {
  specificationVersion: 'v4',
  provider: 'none',
  modelId: 'm-1',
  supportedUrls: {},
  async doGenerate() {
    return {
      content: [{ type: 'tool-call', toolCallId: 'c', toolName: 'search', input: '{"q":"x"}' }],
      finishReason: { unified: 'tool-calls', raw: undefined },
      usage: {
        inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 1, text: 1, reasoning: 0 },
      },
      warnings: [],
    }
  },
  doStream: () => Promise.reject(new Error('It is not asked to.')),
}
const limits = {
  quotas: [{ calls: 5, per: 'run' }],
  budgets: [{ tokens: 1e6, per: 'run' }],
  concurrency: { tool: 4 },
  baseline: {},
} as const
const quiet = { sink: { write: () => undefined } }
// Half a minute goes by with each run, so that what is kept for a while (a hold, until its deadline) goes in time.
let at = Date.now()
const later = (): Date => new Date(at)
const store = memoryStore({ now: later })
const now = (): Date => new Date()
// A machine that stands still does not end this lease.
const halts = storeHalts(store, { leaseMs: 60_000, beatMs: 500 })
await halts.opened()
const guards = [
  desk(limits, { audit: quiet, now: later }).guard,
  desk(
    { ...limits, violations: { agent: { limit: 1e9, windowMs: 1000 } } },
    { audit: quiet, store, halts, now },
  ).guard,
]
const outside = new AbortController()

async function play(index: number): Promise<void> {
  at += 30_000
  const guard = guards[index % 2] as (typeof guards)[number]
  const caller = new AbortController()
  // A run that is halted for good is a record by design; those of the store are kept in a log.
  const kind = index % 2 === 0 ? ['halted', 'tool halted', 'aborted', 'plain'][(index / 2) % 4] : 'plain'
  await using run = await guard.startRun({ principal: ALICE, signal: outside.signal })
  const search = tool({
    inputSchema: z.object({ q: z.string() }),
    execute: async (_, { abortSignal }) => {
      if (kind === 'halted') void guard.halt({ run: run.id }, WHY)
      if (kind === 'tool halted') void guard.halt({ tool: 'search' }, WHY)
      if (kind === 'aborted') caller.abort(new Error('left'))
      await turn()
      return abortSignal?.aborted === true ? 'late' : 'ok'
    },
  })
  const tools = guardTools(run, { search }, { search: { effect: 'read', deadlineMs: 60_000 } })
  const how = await call(run, tools.search, AbortSignal.any([run.signal, outside.signal, caller.signal]))
  ended[`${kind}: ${how}`] = (ended[`${kind}: ${how}`] ?? 0) + 1
  if (kind === 'halted') await guard.resume({ run: run.id }, WHY)
  if (kind === 'tool halted') await guard.resume({ tool: 'search' }, WHY)
  await turn()
}

async function call(run: Run, search: object, abortSignal: AbortSignal): Promise<string> {
  run.userSaid('Search for tea.')
  const { content } = await guardModel(run, model).doGenerate({
    prompt: [{ role: 'user', content: [{ type: 'text', text: 'Search for tea.' }] }],
  })
  const made = content.find(({ type }) => type === 'tool-call') as { toolCallId: string }
  const { execute } = search as { execute: (input: unknown, options: unknown) => Promise<unknown> }
  const options = { toolCallId: made.toolCallId, messages: [], abortSignal }
  return execute({ q: 'x' }, options).then(String, (error: { code?: string; message: string }) =>
    String(error.code ?? error.message),
  )
}

async function heap(): Promise<number> {
  for (let i = 0; i < 4; i += 1) {
    await turn()
    collect?.()
  }
  return process.memoryUsage().heapUsed
}

for (let i = 0; i < RUNS / 2; i += 1) await play(i)
const half = await heap()
for (let i = 0; i < RUNS / 2; i += 1) await play(i)
const bytesPerRun = Math.round(((await heap()) - half) / (RUNS / 2))
const leak: Leak = {
  bytesPerRun,
  listeners: getEventListeners(outside.signal, 'abort').length,
  timers: process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length,
  inFlight: guards.reduce((sum, guard) => sum + guard.inFlight().length, 0),
  ended,
}
process.stdout.write(JSON.stringify(leak))
for (const guard of guards) await guard[Symbol.asyncDispose]()
await halts[Symbol.asyncDispose]()
