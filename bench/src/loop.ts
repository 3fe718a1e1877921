import { setImmediate as turn } from 'node:timers/promises'
import {
  createGuard,
  guardAgent,
  guardModel,
  guardTools,
  hear,
  memoryAudit,
  type Run,
} from '@gatewright/runtime'
import { attributed, authored, content, email, minted } from '@gatewright/runtime/contract'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { generateText, isStepCount, streamText, tool, ToolLoopAgent } from 'ai'
import { z } from 'zod'
import { type Benchmark, type Case, caseOf } from './case.ts'
import { measure, ratioOf, type Round, type Subject } from './measure.ts'
import { scripted } from './scripted-model.ts'

const MOST_GENERATE = 1.6
const MOST_STREAM = 1.25
const SAMPLES = 25
// A loop runs through a thousand functions a few times each: it takes thousands of loops until all are compiled.
const GENERATE = { rounds: 80, samples: SAMPLES, warmUp: 200 }
const STREAM = { rounds: 50, samples: SAMPLES, warmUp: 60 }

/**
 * A loop of four model calls and three tool calls with a model that answers at once, so that all the time is the
 * loop's: the same loop bare and under guard. Each sample is a conversation of its own.
 */
export const loop: Benchmark = {
  name: 'loop',
  about: 'a loop of four model calls and three tool calls, bare and under guard',
  async run(): Promise<readonly Case[]> {
    return [
      await compared('generateText, on an open run', GENERATE_TEXT, GENERATE, MOST_GENERATE),
      await compared('streamText, on an open run', STREAM_TEXT, STREAM, MOST_STREAM),
      await compared('agent.generate, its run begun and ended', AGENT_GENERATE, GENERATE),
      await compared('agent.stream, its run begun and ended', AGENT_STREAM, STREAM),
    ]
  },
}

interface Pair {
  readonly bare: Subject
  readonly guarded: Subject
}

async function compared(
  name: string,
  { bare, guarded }: Pair,
  effort: typeof GENERATE,
  target?: number,
): Promise<Case> {
  const times = await measure([bare, guarded], effort)
  const [of, against] = [times.get(guarded.name), times.get(bare.name)]
  if (of === undefined || against === undefined) throw new Error(`Nothing was measured of ${name}.`)
  return caseOf({
    name,
    unit: 'ms',
    p50: of.p50,
    p99: of.p99,
    baseline: against.p50,
    ratio: ratioOf(of, against),
    ...(target === undefined ? {} : { target }),
  })
}

const prompt =
  'Look up order 4711, find what we say about refunds, and mail a summary to bob@partner.example.'
const instructions = 'You are the support agent of a shop. Answer briefly.'
const principal = { subject: 'user:alice' } as const

const tools = {
  lookupOrder: tool({
    description: 'Look up an order by its number.',
    inputSchema: z.object({ order: z.string() }),
    execute: ({ order }) => ({ id: order, customer: 'alice', total: '49.90', note: 'Leave it at the door.' }),
  }),
  searchDocs: tool({
    description: 'Search the help pages.',
    inputSchema: z.object({ query: z.string() }),
    execute: () => [
      { id: 'd1', title: 'Refunds', text: 'A refund takes five working days.' },
      { id: 'd2', title: 'Returns', text: 'Send the parcel back within thirty days.' },
    ],
  }),
  sendEmail: tool({
    description: 'Send a mail.',
    inputSchema: z.object({ to: z.string(), subject: z.string(), body: z.string() }),
    execute: () => ({ sent: true }),
  }),
}

const guard = createGuard({
  agent: { id: 'bench', version: '1', expires: new Date('2100-01-01') },
  policy: policy({ version: '1', rules: [permitContracted] }),
  trusted: ['operator:shop'],
  audit: { sink: memoryAudit() },
})

type Contracts = Parameters<typeof guardTools<typeof tools>>[2]
const contracts: Contracts = {
  lookupOrder: {
    effect: 'read',
    operator: 'shop',
    result: {
      id: minted('order'),
      customer: minted('user'),
      total: attributed('customer'),
      note: authored('customer'),
    },
  },
  searchDocs: 'read',
  sendEmail: {
    effect: 'irreversible',
    args: { to: email(), subject: content(), body: content() },
    audience: ({ to }) => to,
  },
}

const model = (): ReturnType<typeof scripted> =>
  scripted([
    { tool: 'lookupOrder', input: { order: '4711' } },
    { tool: 'searchDocs', input: { query: 'refunds' } },
    {
      tool: 'sendEmail',
      input: { to: 'bob@partner.example', subject: 'Refunds', body: 'A refund takes five working days.' },
    },
    { text: 'Order 4711 came to 49.90. A refund takes five working days; the summary is on its way to Bob.' },
  ])

/**
 * A subject whose samples each need something fresh, made untimed, and let go of before the next round. The event
 * loop turns in between, as it does on any server: until then whatever was referred to weakly is kept.
 */
function subject<T>(
  name: string,
  fresh: () => Promise<T>,
  sample: (of: T) => Promise<unknown>,
  end?: (of: T) => Promise<void>,
): Subject {
  let last: T[] = []
  return {
    name,
    async round(): Promise<Round> {
      if (end !== undefined) for (const one of last) await end(one)
      await turn()
      const made: T[] = []
      for (let i = 0; i < SAMPLES; i += 1) made.push(await fresh())
      last = [...made]
      return { sample: () => sample(made.pop() as T) }
    },
  }
}

interface Open {
  readonly run: Run
  readonly model: ReturnType<typeof scripted>
}

async function open(): Promise<Open> {
  return { run: await guard.startRun({ principal }), model: model() }
}

const close = async ({ run }: Open): Promise<void> => await run.end()

const bareAgent = (of: ReturnType<typeof scripted>): ToolLoopAgent<never, typeof tools> =>
  new ToolLoopAgent({ model: of, tools, instructions, stopWhen: isStepCount(8) })
const guardedAgent = (of: ReturnType<typeof scripted>): ReturnType<typeof guardAgent<typeof tools>> =>
  guardAgent(guard, { model: of, tools, contracts, instructions, stopWhen: isStepCount(8) })
const settings = { system: instructions, prompt, stopWhen: isStepCount(8) }

/** Everything that a conversation adds to a run that is there: the user is heard, tools and model are wrapped. */
function underGuard({ run, model: inner }: Open): {
  model: ReturnType<typeof guardModel>
  tools: typeof tools
} {
  run.trusted(instructions)
  hear(run, prompt)
  return { model: guardModel(run, inner), tools: guardTools(run, tools, contracts) }
}

const GENERATE_TEXT: Pair = {
  bare: subject(
    'bare',
    async () => model(),
    async (of) => checked(await generateText({ ...settings, model: of, tools })),
  ),
  guarded: subject(
    'guarded',
    open,
    async (of) => checked(await generateText({ ...settings, ...underGuard(of) })),
    close,
  ),
}

const STREAM_TEXT: Pair = {
  bare: subject(
    'bare',
    async () => model(),
    async (of) => await read(streamText({ ...settings, model: of, tools })),
  ),
  guarded: subject(
    'guarded',
    open,
    async (of) => await read(streamText({ ...settings, ...underGuard(of) })),
    close,
  ),
}

const AGENT_GENERATE: Pair = {
  bare: subject(
    'bare',
    async () => bareAgent(model()),
    async (agent) => checked(await agent.generate({ prompt })),
  ),
  guarded: subject(
    'guarded',
    async () => guardedAgent(model()),
    async (agent) => checked(await agent.generate({ prompt, options: { principal } })),
  ),
}

const AGENT_STREAM: Pair = {
  bare: subject(
    'bare',
    async () => bareAgent(model()),
    async (agent) => await read(await agent.stream({ prompt })),
  ),
  guarded: subject(
    'guarded',
    async () => guardedAgent(model()),
    async (agent) => await read(await agent.stream({ prompt, options: { principal } })),
  ),
}

/** A loop that was stopped half-way would be fast. */
function checked(result: {
  readonly steps: readonly { readonly toolResults: readonly unknown[] }[]
  readonly text: string
}): void {
  const results = result.steps.flatMap(({ toolResults }) => toolResults)
  if (result.steps.length !== 4 || results.length !== 3 || !result.text.startsWith('Order 4711'))
    throw new Error('The loop under measurement did not do its work.')
}

async function read(result: {
  consumeStream(): PromiseLike<void>
  readonly steps: PromiseLike<readonly { readonly toolResults: readonly unknown[] }[]>
  readonly text: PromiseLike<string>
}): Promise<void> {
  await result.consumeStream()
  checked({ steps: await result.steps, text: await result.text })
}
