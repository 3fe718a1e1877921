import { createGuard, type Guard, guardAgent, type GuardOptions, memoryAudit } from '@gatewright/runtime'
import { type Contracts, money } from '@gatewright/runtime/contract'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { callTool, say, scriptedModel, type ScriptedStep } from '@gatewright/runtime/testing'
import { isStepCount, tool } from 'ai'
import { MockLanguageModelV4, simulateReadableStream } from 'ai/test'
import { z } from 'zod'

export const ALICE = { subject: 'user:alice', tenant: 'acme' } as const
export const DAY = 86_400_000
const START = Date.parse('2026-03-02T10:00:00Z')

/** The time of the desk; a test moves it. */
export const clock: { at: number } = { at: START }

/** A guard that permits whatever has a contract, with these limits, its audit, and what it refused. */
export function desk(limits: GuardOptions['limits'], more: Partial<GuardOptions> = {}) {
  const audit = memoryAudit()
  clock.at = START
  const guard = createGuard({
    agent: { id: 'clerk', version: '1', expires: new Date('2030-01-01') },
    policy: policy({ version: '1', rules: [permitContracted] }),
    audit: { sink: audit },
    now: () => new Date(clock.at),
    ...(limits === undefined ? {} : { limits }),
    ...more,
  })
  const refusals = (): [string | undefined, string | undefined][] =>
    audit
      .events()
      .flatMap((event): [string | undefined, string | undefined][] =>
        event.type === 'decision' && event.outcome === 'deny'
          ? [[event.code, event.reasons.find(({ outcome }) => outcome === 'deny')?.text]]
          : [],
      )
  return { guard, audit, refusals }
}

/** Tools that do what they are told to by the test. Reads in name, so that nothing but a limit refuses them. */
export function shop(
  work: (input: { amount?: unknown; q?: string }, signal?: AbortSignal) => unknown = () => 'ok',
) {
  const ran: unknown[] = []
  const did =
    (name: string) =>
    (input: object, { abortSignal }: { abortSignal?: AbortSignal | undefined }) => {
      ran.push({ name, ...input })
      return work(input, abortSignal) as Promise<string>
    }
  const tools = {
    pay: tool({ inputSchema: z.object({ amount: z.number() }), execute: did('pay') }),
    search: tool({ inputSchema: z.object({ q: z.string() }), execute: did('search') }),
  }
  const contracts = {
    pay: { effect: 'read', args: { amount: money() } },
    search: 'read',
  } as const satisfies Contracts<typeof tools>
  return { tools, contracts, ran }
}

export type Quota = NonNullable<Exclude<Contracts<ReturnType<typeof shop>['tools']>['pay'], 'read'>['quota']>

export interface Play {
  readonly steps: readonly ScriptedStep[]
  readonly quota?: Quota
  readonly contract?: object
  readonly principal?: typeof ALICE | { subject: 'user:bob'; tenant: string }
  readonly session?: string
  readonly abortSignal?: AbortSignal
}

/** Let a scripted model work with the tools of a shop. The script ends with a word of its own. */
export async function play(
  guard: Guard,
  { tools, contracts }: ReturnType<typeof shop>,
  { steps, quota, contract, ...asked }: Play,
) {
  const model = scriptedModel([...steps, say('Done.')])
  const agent = guardAgent(guard, {
    model,
    tools,
    contracts: { ...contracts, pay: { ...contracts.pay, ...(quota && { quota }), ...contract } } as never,
    stopWhen: isStepCount(60),
  })
  const { principal = ALICE, session, abortSignal } = asked
  const result = await agent.generate({
    prompt: 'Pay what is due.',
    options: { principal, ...(session === undefined ? {} : { session }) },
    ...(abortSignal === undefined ? {} : { abortSignal }),
  })
  return { model, text: result.text }
}

export const pay = (amount: number): ReturnType<typeof callTool> => callTool('pay', { amount })
export const search = (q = 'x'): ReturnType<typeof callTool> => callTool('search', { q })

const usage = (input: number, output: number) =>
  ({
    inputTokens: { total: input, noCache: input, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: output, text: output, reasoning: 0 },
  }) as const

/** A model that answers at once and says that it used this many tokens. */
export function spender(input: number, output: number, asked: unknown[] = []): MockLanguageModelV4 {
  const finish = { unified: 'stop', raw: undefined } as const
  return new MockLanguageModelV4({
    modelId: 'm-1',
    doGenerate: async (request) => {
      asked.push(request)
      return {
        content: [{ type: 'text', text: 'hi' }],
        finishReason: finish,
        usage: usage(input, output),
        warnings: [],
      }
    },
    doStream: async (request) => {
      asked.push(request)
      return {
        stream: simulateReadableStream({
          chunks: [
            { type: 'stream-start', warnings: [] },
            { type: 'text-start', id: '1' },
            { type: 'text-delta', id: '1', delta: 'hi' },
            { type: 'text-end', id: '1' },
            { type: 'finish', finishReason: finish, usage: usage(input, output) },
          ],
        }),
      }
    },
  })
}
